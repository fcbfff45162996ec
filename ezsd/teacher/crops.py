"""From boxes of a photo to the square crops that the teacher sees (paper, section 3.2).

A box is scaled about its centre, clipped to the photo, zero-padded to a centred square and resized with
antialiased bicubic weights, as PIL's crop, paste and resize(BICUBIC) do. Crops of equal side are resized in
one call.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ezsd.boxes import check_boxes_xyxy, clip_xyxy, scale_xyxy
from ezsd.errors import InputError

MIN_SIDE = 10.0
_MAX_GROUP_BYTES = 8 << 20


def crop_windows(
    boxes_xyxy: Tensor, original_size: tuple[int, int], context_factor: float, min_side: float = MIN_SIDE
) -> Tensor:
    """Whole-pixel windows that crops are cut from, int64 `(N, 4)` xyxy inside a photo of (height, width).

    A window is never empty, even for a box without area or outside the photo.
    """
    check_boxes_xyxy(boxes_xyxy)
    wanted = scale_xyxy(boxes_xyxy.double(), context_factor, min_side)
    windows = clip_xyxy(wanted, original_size).round().long()
    last = windows.new_tensor([original_size[1] - 1, original_size[0] - 1])
    start = torch.minimum(windows[:, :2], last)
    return torch.cat([start, torch.maximum(windows[:, 2:], start + 1)], dim=1)


def centre_square(photo: Tensor, size: int) -> Tensor:
    """Largest centred square of a photo `(3, H, W)`, as CLIP preprocesses it: uint8 `(1, 3, size, size)`."""
    height, width = photo.shape[1:]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return square_crops(photo, torch.tensor([[left, top, left + side, top + side]]), 1.0, size)


def square_crops(
    photo: Tensor, boxes_xyxy: Tensor, context_factor: float, size: int, min_side: float = MIN_SIDE
) -> Tensor:
    """Cut the boxes of one photo.

    Args:
        photo: uint8 `(3, H, W)`, RGB, on the CPU or a GPU.
        boxes_xyxy: float `(N, 4)`, absolute pixels of the photo; N may be 0.
        context_factor: sides of the crop / sides of the box.
        size: side of the crops in pixels.
        min_side: pixels of the photo; shorter sides are widened to it before clipping.

    Returns:
        uint8 `(N, 3, size, size)` on the photo's device, channels last in memory.

    Raises:
        InputError: `photo` or `boxes_xyxy` has another shape or dtype.
    """
    if photo.dtype != torch.uint8 or photo.ndim != 3 or photo.shape[0] != 3:
        raise InputError(
            f"a photo must be uint8 of shape (3, H, W), got {photo.dtype} of shape {tuple(photo.shape)}"
        )
    windows = crop_windows(boxes_xyxy.cpu(), (photo.shape[1], photo.shape[2]), context_factor, min_side)
    cut = _cut_on_cpu if photo.device.type == "cpu" else _cut_on_gpu
    return cut(photo.permute(1, 2, 0).contiguous(), windows, size).permute(0, 3, 1, 2)


def normalize_crops(crops: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """(crops - mean) / std, float32 `(N, 3, S, S)`, channels last in memory.

    Args:
        crops: uint8 `(N, 3, S, S)`; fastest when channels are last in memory.
        mean: `(3,)`, on the scale 0..255 and on the device of the crops.
        std: as `mean`.
    """
    count, channels, height, width = crops.shape
    # whole rows of pixels at once: torch broadcasts slowly over three numbers
    rows = crops.permute(0, 2, 3, 1).reshape(-1, width * channels).float()
    rows.sub_(mean.repeat(width)).div_(std.repeat(width))
    return rows.view(count, height, width, channels).permute(0, 3, 1, 2)


def _cut_on_cpu(rows: Tensor, windows: Tensor, size: int) -> Tensor:
    """Windows `(N, 4)` of a photo `(H, W, 3)` as squares `(N, size, size, 3)`.

    Torch resizes with one thread, and its threads would wait for each other at every small copy. So NumPy
    copies, and the groups of squares are shared among as many threads as torch has.
    """
    photo, crops = rows.numpy(), np.empty((len(windows), size, size, 3), np.uint8)

    def cut(group: tuple[int, Tensor]) -> None:
        side, members = group
        squares = torch.from_numpy(_pad_to_squares(photo, windows[members], side))
        crops[members.numpy()] = _resize(squares, size).numpy()

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        for _ in threads.map(cut, _groups(windows)):
            pass
    return torch.from_numpy(crops)


def _cut_on_gpu(rows: Tensor, windows: Tensor, size: int) -> Tensor:
    """As `_cut_on_cpu`, without work for each box on the CPU."""
    crops = torch.empty((len(windows), size, size, 3), dtype=torch.uint8, device=rows.device)
    placed = windows.to(rows.device)
    for side, members in _groups(windows):
        here = members.to(rows.device)
        crops[here] = _resize(_gather_squares(rows, placed[here], side).float(), size)
    return crops


def _groups(windows: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Rows of the windows whose squares have equal sides, with that side, large ones first."""
    sides = (windows[:, 2:] - windows[:, :2]).amax(dim=1) if len(windows) else windows[:, 0]
    for side in sides.unique().flip(0).tolist():
        members = (sides == side).nonzero()[:, 0]
        for group in members.split(max(1, _MAX_GROUP_BYTES // (3 * side * side))):
            yield side, group


def _pad_to_squares(photo: np.ndarray, windows: Tensor, side: int) -> np.ndarray:
    """Windows `(n, 4)` of a photo `(H, W, 3)`, each centred on a black square: uint8 `(n, side, side, 3)`."""
    squares = np.zeros((len(windows), side, side, 3), np.uint8)
    for square, (x0, y0, x1, y1) in zip(squares, windows.tolist(), strict=True):
        left, top = (side - (x1 - x0)) // 2, (side - (y1 - y0)) // 2
        square[top : top + y1 - y0, left : left + x1 - x0] = photo[y0:y1, x0:x1]
    return squares


def _gather_squares(rows: Tensor, windows: Tensor, side: int) -> Tensor:
    """As `_pad_to_squares`, on the photo's device and for all windows at once."""
    start, stop = windows[:, :2], windows[:, 2:]
    corner = start - (side - (stop - start)) // 2
    pixels = corner[:, :, None] + torch.arange(side, device=rows.device)  # (n, 2, side), of x and of y
    x, y = pixels.clamp(min=0).unbind(dim=1)
    x, y = x.clamp(max=rows.shape[1] - 1), y.clamp(max=rows.shape[0] - 1)
    inside = (pixels >= start[:, :, None]) & (pixels < stop[:, :, None])
    shown = inside[:, 1, :, None] & inside[:, 0, None, :]
    return rows[y[:, :, None], x[:, None, :]] * shown[..., None]


def _resize(squares: Tensor, size: int) -> Tensor:
    """Antialiased bicubic: `(n, side, side, 3)` on the scale 0..255 to uint8 `(n, size, size, 3)`.

    Torch resizes bytes on the CPU only; elsewhere they are given as float.
    """
    resized = interpolate(
        squares.permute(0, 3, 1, 2), size=(size, size), mode="bicubic", antialias=True
    ).permute(0, 2, 3, 1)
    if resized.is_floating_point():
        resized = resized.round().clamp(0, 255).to(torch.uint8)
    return resized
