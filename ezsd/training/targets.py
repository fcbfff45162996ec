"""What a photo contributes to a step: its crop, flip and scale, its targets, a draw of cached proposals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ezsd.boxes import box_area, clip_xyxy
from ezsd.detector.sampling import IGNORED
from ezsd.errors import InputError
from ezsd.training.config import ExampleConfig, JitterConfig, ProposalWeights
from ezsd.training.losses.distillation import normalize_weights

FLIP_PROBABILITY = 0.5
VISIBLE = 0.25
"""A box is dropped when a crop leaves less than this fraction of its area: the rest is not recognizable."""
PROPOSAL_WEIGHTS: dict[ProposalWeights, Callable[[Tensor], Tensor]] = {
    "confidence": torch.clone,
    "equal": torch.ones_like,
}
"""From the confidences of proposals, float32 `(P,)`, to their weights."""


class Window(NamedTuple):
    """A part of a photo, [left, right) x [top, bottom) in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int


def draw_window(
    config: JitterConfig, size_hw: tuple[int, int], generator: torch.Generator
) -> tuple[Window, float]:
    """Draw the visible part of a photo, and the factor in (0, 1] that scales its short side.

    Large-scale jitter (not the paper's; arXiv 2012.07177): a photo is shown smaller, or part of it larger.

    A factor above 1 becomes a window that is smaller by that factor, at a random place, shown at the photo's
    size; so no step needs more memory than without jitter.

    Args:
        config: range of the factor.
        size_hw: (height, width) of the photo.
        generator: source of random numbers.
    """
    factor = config.smallest + (config.largest - config.smallest) * float(torch.rand((), generator=generator))
    height, width = (max(1, round(side / max(factor, 1.0))) for side in size_hw)
    top = int(torch.randint(size_hw[0] - height + 1, (), generator=generator))
    left = int(torch.randint(size_hw[1] - width + 1, (), generator=generator))
    return Window(left, top, left + width, top + height), min(factor, 1.0)


@dataclass(frozen=True)
class PseudoTargets:
    """Mined boxes of one photo that are not counted as background (`ezsd/pseudo`, not the paper's).

    Attributes:
        boxes_xyxy: float32 `(Q, 4)`.
        labels: int64 `(Q,)`, index into the names that are trained, or `IGNORED`.
        weights: float32 `(Q,)` in [0, 1], how much each counts as an object.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class CachedTargets:
    """All cached targets of one photo; boxes are absolute xyxy in pixels of the original photo.

    Attributes:
        boxes_xyxy: float32 `(G, 4)`, ground truth.
        labels: int64 `(G,)`, index into the base names.
        object_boxes_xyxy: float32 `(O, 4)`, ground truth with an embedding of the teacher.
        object_embeddings: float32 `(O, D)`.
        proposal_boxes_xyxy: float32 `(P, 4)`, mined proposals.
        proposal_embeddings: float32 `(P, D)`, of the teacher.
        proposal_confidences: float32 `(P,)` >= 0, their weights in distillation.
        masks: uint8 `(G, H, W)`, 0 or 1, of the ground truth; None if masks are not trained.
        pseudo: None without pseudo boxes.
    """

    boxes_xyxy: Tensor
    labels: Tensor
    object_boxes_xyxy: Tensor
    object_embeddings: Tensor
    proposal_boxes_xyxy: Tensor
    proposal_embeddings: Tensor
    proposal_confidences: Tensor
    masks: Tensor | None = None
    pseudo: PseudoTargets | None = None

    def __post_init__(self) -> None:
        rows = {
            "box": (self.boxes_xyxy, self.labels, *([] if self.masks is None else [self.masks])),
            "object": (self.object_boxes_xyxy, self.object_embeddings),
            "proposal": (self.proposal_boxes_xyxy, self.proposal_embeddings, self.proposal_confidences),
        }
        for kind, parts in rows.items():
            if len({len(part) for part in parts}) > 1:
                raise InputError(f"{kind} rows do not match: {', '.join(str(len(part)) for part in parts)}")

    @staticmethod
    def of_boxes(boxes_xyxy: Tensor) -> "CachedTargets":
        """Targets of a photo with boxes `(N, 4)` only: one name and no embeddings."""
        no_boxes, no_embeddings = torch.zeros(0, 4), torch.zeros(0, 1)
        return CachedTargets(
            boxes_xyxy=boxes_xyxy,
            labels=torch.zeros(len(boxes_xyxy), dtype=torch.int64),
            object_boxes_xyxy=no_boxes,
            object_embeddings=no_embeddings,
            proposal_boxes_xyxy=no_boxes,
            proposal_embeddings=no_embeddings,
            proposal_confidences=torch.zeros(0),
        )


def draw_example(
    photo: Tensor, cached: CachedTargets, config: ExampleConfig, seed: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Crop and flip a photo at random, and draw its target for `ZeroShotDetector`.

    Embeddings do not change under a flip: the teacher's are nearly the same (docs/method.md, section 4).

    Args:
        photo: uint8 `(3, H, W)`.
        cached: its targets.
        config: what is drawn.
        seed: of the draw.

    Returns:
        The photo, uint8 `(3, h, w)`, and its target.
    """
    generator = torch.Generator().manual_seed(seed)
    shrink = 1.0
    if config.jitter is not None:
        window, shrink = draw_window(config.jitter, (photo.shape[1], photo.shape[2]), generator)
        photo, cached = crop_pixels(photo, window), crop_targets(cached, window)
    drawn = torch.randperm(len(cached.proposal_boxes_xyxy), generator=generator)[: config.proposals_per_image]
    weigh = PROPOSAL_WEIGHTS[config.proposal_weights]
    short_side = config.short_sides[int(torch.randint(len(config.short_sides), (), generator=generator))]
    target = {
        "boxes": cached.boxes_xyxy,
        "labels": cached.labels,
        "distill_boxes": torch.cat([cached.object_boxes_xyxy, cached.proposal_boxes_xyxy[drawn]]),
        "distill_embeddings": torch.cat([cached.object_embeddings, cached.proposal_embeddings[drawn]]),
        "distill_weights": distill_weights(
            len(cached.object_boxes_xyxy),
            weigh(cached.proposal_confidences[drawn]),
            config.ground_truth_share,
        ),
        "short_side": torch.tensor(max(1, round(short_side * shrink))),
        "seed": torch.randint(2**62, (), generator=generator),
    }
    if cached.masks is not None:
        target["masks"] = cached.masks
    if cached.pseudo is not None:
        target = add_pseudo_boxes(target, cached.pseudo, generator)
    if float(torch.rand((), generator=generator)) < FLIP_PROBABILITY:
        return flip_example(photo, target)
    return photo, target


def add_pseudo_boxes(
    target: dict[str, Tensor], pseudo: PseudoTargets, generator: torch.Generator
) -> dict[str, Tensor]:
    """Add pseudo boxes to a target: in a share `weights` of the showings as objects, else as `IGNORED`.

    So on average it counts as its weight says, in every loss. Its mask is unknown, which is an empty mask.
    """
    drawn = torch.rand(len(pseudo), generator=generator) < pseudo.weights
    labels = torch.where(drawn, pseudo.labels, IGNORED)
    added = {
        "boxes": torch.cat([target["boxes"], pseudo.boxes_xyxy]),
        "labels": torch.cat([target["labels"], labels]),
    }
    if "masks" in target:
        masks = target["masks"]
        added["masks"] = torch.cat([masks, masks.new_zeros(len(pseudo), *masks.shape[1:])])
    return {**target, **added}


def distill_weights(objects: int, confidences: Tensor, ground_truth_share: float | None) -> Tensor:
    """How much each box of a photo counts in the distillation loss, ground truth first.

    Args:
        objects: O, ground-truth boxes.
        confidences: (P,) float32 >= 0, weights of the proposals.
        ground_truth_share: of all the weight, while there are both; None for 1 a box beside the confidences.

    Returns:
        (O + P,) float32 >= 0.
    """
    exact = torch.ones(objects)
    if ground_truth_share is None or not objects or not len(confidences):
        return torch.cat([exact, confidences])
    groups = ((ground_truth_share, exact), (1 - ground_truth_share, confidences))
    return torch.cat([share * normalize_weights(group) / len(group) for share, group in groups])


def crop_pixels(pixels: Tensor, window: Window) -> Tensor:
    """Copy the window out of a photo or masks `(N, H, W)`."""
    return pixels[:, window.top : window.bottom, window.left : window.right].clone()


def crop_targets(cached: CachedTargets, window: Window) -> CachedTargets:
    """All targets that the window shows, in its frame.

    A box that is cut keeps its label and embedding; one of which less than `VISIBLE` is left is dropped.
    """
    boxes_xyxy, boxes = crop_boxes_xyxy(cached.boxes_xyxy, window)
    objects_xyxy, objects = crop_boxes_xyxy(cached.object_boxes_xyxy, window)
    proposals_xyxy, proposals = crop_boxes_xyxy(cached.proposal_boxes_xyxy, window)
    return CachedTargets(
        boxes_xyxy=boxes_xyxy,
        labels=cached.labels[boxes],
        object_boxes_xyxy=objects_xyxy,
        object_embeddings=cached.object_embeddings[objects],
        proposal_boxes_xyxy=proposals_xyxy,
        proposal_embeddings=cached.proposal_embeddings[proposals],
        proposal_confidences=cached.proposal_confidences[proposals],
        masks=None if cached.masks is None else crop_pixels(cached.masks[boxes], window),
        pseudo=None if cached.pseudo is None else _crop_pseudo(cached.pseudo, window),
    )


def _crop_pseudo(pseudo: PseudoTargets, window: Window) -> PseudoTargets:
    boxes_xyxy, rows = crop_boxes_xyxy(pseudo.boxes_xyxy, window)
    return PseudoTargets(boxes_xyxy, pseudo.labels[rows], pseudo.weights[rows])


def crop_boxes_xyxy(boxes_xyxy: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """Clip boxes `(N, 4)` to a window: those left, `(K, 4)` in the window's frame, and their rows `(K,)`."""
    corner = boxes_xyxy.new_tensor([window.left, window.top, window.left, window.top])
    size_hw = (window.bottom - window.top, window.right - window.left)
    clipped = clip_xyxy(boxes_xyxy - corner, size_hw)
    area = box_area(clipped)
    rows = torch.where((area > 0) & (area >= VISIBLE * box_area(boxes_xyxy)))[0]
    return clipped[rows], rows


def flip_example(photo: Tensor, target: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Flip a photo, its boxes and its masks horizontally."""
    width = photo.shape[-1]
    flipped = {key: flip_boxes_xyxy(target[key], width) for key in ("boxes", "distill_boxes")}
    if "masks" in target:
        flipped["masks"] = target["masks"].flip(-1)
    return photo.flip(-1), {**target, **flipped}


def flip_boxes_xyxy(boxes_xyxy: Tensor, width: int) -> Tensor:
    """Flip boxes `(N, 4)` horizontally in a photo of that width."""
    left, top, right, bottom = boxes_xyxy.unbind(1)
    return torch.stack([width - right, top, width - left, bottom], dim=1)
