"""How boxes differ from their surroundings, in a teacher's feature maps (for the cascade, not the paper's).

What an object is made of says which object it is; a rule that is fitted to that on base objects finds base
objects. So boxes are described by lengths and angles alone: of the features inside, around and beside them.
These do not change when the feature space is rotated, so they cannot tell one kind of object from another.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, layer_norm
from torchvision.ops import roi_align

from ezsd.boxes import scale_xyxy
from ezsd.teacher.dense_maps import covered_size

MAX_CHANNELS = 64
FAR, CORE = 2.5, 0.5
"""Sides of the wider surroundings, and of the core, / sides of the box."""

EDGE = 0.3
"""Depth of the strips on both sides of an edge / side of the box."""

SIDES = ((-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0))

Pool = Callable[[Tensor, int], Tensor]


def box_contrasts(maps: Sequence[Tensor], boxes_xyxy: Tensor, original_size: tuple[int, int]) -> Tensor:
    """Describe boxes by contrast, and by size and shape.

    Args:
        maps: from `photo_maps`.
        boxes_xyxy: float32 `(N, 4)`, absolute pixels of the photo.
        original_size: (height, width) of the photo.

    Returns:
        float32 `(N, F)` on the device of the maps.
    """
    boxes_xyxy = boxes_xyxy.to(maps[0])
    height, width = covered_size(original_size)
    columns = []
    for one in map(relative_map, maps):
        cells = boxes_xyxy.new_tensor([one.shape[2] / width, one.shape[1] / height] * 2)
        columns += _contrasts(_pool_from(one), boxes_xyxy * cells)
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clamp(min=1) / min(original_size)
    logs = sides.log()
    shape = torch.cat([logs, logs.square(), logs.prod(dim=1, keepdim=True)], dim=1)
    return torch.cat([torch.stack(columns, dim=1), shape], dim=1)


def relative_map(one: Tensor) -> Tensor:
    """Each cell of a map `(C, h, w)` normalised over channels, at most 64 of these, minus the photo's mean.

    More channels are reduced by a fixed random projection, which roughly keeps lengths and angles.
    """
    channels = one.shape[0]
    cells = layer_norm(one.flatten(1).T, (channels,))
    if channels > MAX_CHANNELS:
        generator = torch.Generator().manual_seed(channels)
        projection = torch.randn((channels, MAX_CHANNELS), generator=generator) / math.sqrt(channels)
        cells = cells @ projection.to(cells)
    cells = cells - cells.mean(dim=0)
    return cells.T.reshape(-1, *one.shape[1:])


def _pool_from(one: Tensor) -> Pool:
    """Mean features of boxes `(N, 4)` in cells of the map, `(N, C, n * n)` for `n` parts a side."""
    return lambda boxes, parts: roi_align(one[None], [boxes], parts, 1.0, 2, True).flatten(2)


def _contrasts(pool: Pool, boxes: Tensor) -> list[Tensor]:
    """Columns `(N,)` of one map."""
    quarters = pool(boxes, 2)
    inside = quarters.mean(dim=2)
    core, far = (pool(scale_xyxy(boxes, factor), 1)[:, :, 0] for factor in (CORE, FAR))
    within, beyond = (_strips(pool, boxes, 0.5 + shift) for shift in (-EDGE / 2, EDGE / 2))
    near = beyond.mean(dim=2)
    pairs = ((inside, near), (inside, far), (core, near), (core, inside))
    lengths = (inside, near, core, inside - near, inside - far, core - near)
    alike = cosine_similarity(quarters, inside[:, :, None], dim=1)
    return [
        *(cosine_similarity(one, other, dim=1) for one, other in pairs),
        *(vectors.norm(dim=1) for vectors in lengths),
        alike.mean(dim=1),
        alike.amin(dim=1),
        (quarters - inside[:, :, None]).flatten(1).norm(dim=1),
        *(within - beyond).norm(dim=1).unbind(dim=1),
    ]


def _strips(pool: Pool, boxes: Tensor, distance: float) -> Tensor:
    """Mean features of a strip along each side, `(N, C, 4)`, `distance` sides from the centre."""
    centre, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    strips = []
    for side in boxes.new_tensor(SIDES):
        middle = centre + side * extent * distance
        half = extent * torch.where(side != 0, EDGE / 2, 0.5)
        strips.append(pool(torch.cat([middle - half, middle + half], dim=1), 1)[:, :, 0])
    return torch.stack(strips, dim=2)
