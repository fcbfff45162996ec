"""Small pictures of boxes, cut out of their photos."""

from collections.abc import Sequence

import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resize

from ezsd.pipeline.data.sources import PhotoFileError, PhotoFolder
from ezsd.stages.pages.drawing import draw_objects
from ezsd.stages.pages.report.pictures import Picture, as_picture, unreadable

SIDE = 224
"""Longest side of a picture in pixels."""

_CONTEXT = 1.5
_LEAST = 48


def cutout(
    folder: PhotoFolder,
    file_name: str,
    size_wh: tuple[int, int],
    boxes_xyxy: Sequence[Sequence[float]],
    captions: Sequence[str],
    novel: Sequence[bool],
    alt: str,
) -> Picture:
    """Cut a square out of a photo around the first box, and draw the boxes on it.

    Args:
        folder: of the photo.
        file_name: in the folder.
        size_wh: of the photo in pixels, as its annotations have it.
        boxes_xyxy: N >= 1 boxes in pixels of the photo; the first is drawn on top.
        captions: N texts; an empty one draws no label.
        novel: N flags, which choose the colours.
        alt: describes the picture in words.

    Returns:
        A picture; one without a source, which says why, if the photo cannot be read.
    """
    try:
        photo = folder.decode(file_name, size_wh)
    except PhotoFileError as error:
        return unreadable(error, (SIDE, SIDE), alt)
    left, top, right, bottom = square_around(boxes_xyxy[0], size_wh)
    # enlarged before anything is drawn: a caption is as long for the smallest of boxes
    zoom = SIDE / max(right - left, bottom - top)
    size = [max(1, round(zoom * side)) for side in (bottom - top, right - left)]
    piece = resize(photo[:, top:bottom, left:right], size, InterpolationMode.BICUBIC)
    boxes = zoom * (torch.tensor(boxes_xyxy, dtype=torch.float32) - torch.tensor([left, top, left, top]))
    return as_picture(draw_objects(piece, boxes, captions, novel, SIDE), alt)


def square_around(box_xyxy: Sequence[float], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Borders of a square with the box in its middle and something around it, moved into the photo.

    It is smaller on a side on which the photo is.
    """
    x0, y0, x1, y1 = box_xyxy
    side = max(round(_CONTEXT * max(x1 - x0, y1 - y0)), _LEAST)
    left, right = _within((x0 + x1) / 2, side, size_wh[0])
    top, bottom = _within((y0 + y1) / 2, side, size_wh[1])
    return left, top, right, bottom


def _within(middle: float, side: int, limit: int) -> tuple[int, int]:
    start = max(0, min(round(middle - side / 2), limit - side))
    return start, min(start + side, limit)
