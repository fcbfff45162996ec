"""Draws boxes on photos: base in blue, novel in orange with a star, proposals in the colour of their score.

Boxes are in pixels of the photo. Small photos are drawn at up to twice their size, so that captions are
legible. The same input gives the same pixels.
"""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from ezsd.errors import InputError

Colour = tuple[int, int, int]
Rectangle = tuple[float, float, float, float]

BASE_COLOUR: Colour = (31, 111, 180)
NOVEL_COLOUR: Colour = (204, 85, 0)
PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
# viridis at 0, 1/4 .. 1: equal steps of score look equal, also to the colour-blind and in grey
_SCALE: tuple[Colour, ...] = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_LARGEST_ZOOM = 2.0
_FONT_SIZE = 12
_PADDING = 3


def draw_objects(
    photo: Tensor, boxes_xyxy: Tensor, captions: Sequence[str], novel: Sequence[bool], long_side: int = 512
) -> Image.Image:
    """Draw objects, detected or annotated; earlier boxes are on top.

    Args:
        photo: uint8 (3, H, W) RGB.
        boxes_xyxy: (N, 4) pixels of the photo.
        captions: N texts, such as `caption("striped fish", 0.87)`; an empty one draws no label.
        novel: N flags; a novel box has its own colour and a star.
        long_side: of the drawing in pixels; a photo is enlarged at most twofold.

    Raises:
        InputError: the photo has another dtype or shape, or the numbers of boxes, captions and flags differ.
    """
    colours = [NOVEL_COLOUR if flag else BASE_COLOUR for flag in novel]
    return _draw(photo, boxes_xyxy, colours, captions, list(novel), long_side)


def tint_masks(photo: Tensor, masks: Tensor, novel: Sequence[bool]) -> Tensor:
    """Overlay masks on a photo, half transparent, in the colours of `draw_objects`.

    Args:
        photo: uint8 (3, H, W) RGB.
        masks: (N, H, W) 0 or 1; earlier ones are on top.
        novel: N flags.

    Returns:
        uint8 (3, H, W).
    """
    tinted = photo.clone()
    for mask, flag in reversed(list(zip(masks.bool(), novel, strict=False))):
        colour = torch.tensor(NOVEL_COLOUR if flag else BASE_COLOUR, dtype=torch.uint8)
        tinted[:, mask] = photo[:, mask] // 2 + colour[:, None] // 2
    return tinted


def draw_proposals(
    photo: Tensor, boxes_xyxy: Tensor, scores: Tensor, captions: Sequence[str], long_side: int = 512
) -> Image.Image:
    """Draw proposals in the colour of their score, from dark (lowest of those given) to yellow (highest).

    Args:
        photo: uint8 (3, H, W) RGB.
        boxes_xyxy: (N, 4) pixels of the photo, best first: earlier boxes are on top.
        scores: (N,) any range.
        captions: N texts; an empty one draws no label.
        long_side: as in `draw_objects`.
    """
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 1.0)
    span = (high - low) or 1.0
    colours = [score_colour((float(score) - low) / span) for score in scores]
    return _draw(photo, boxes_xyxy, colours, captions, [False] * len(colours), long_side)


def caption(name: str, score: float) -> str:
    """`("striped fish", 0.873)` -> `striped fish 0.87`."""
    return f"{name} {score:.2f}"


def score_colour(fraction: float) -> Colour:
    """Colour of a fraction, clipped to 0..1, of the score's range."""
    position = min(max(fraction, 0.0), 1.0) * (len(_SCALE) - 1)
    step = min(int(position), len(_SCALE) - 2)
    part = position - step
    below, above = _SCALE[step], _SCALE[step + 1]
    red, green, blue = (round(b + (a - b) * part) for b, a in zip(below, above, strict=True))
    return red, green, blue


def draw_bars(
    labels: Sequence[str], values: Sequence[float], texts: Sequence[str], title: str
) -> Image.Image:
    """Draw a chart of horizontal bars in the order given.

    Args:
        labels: to the left of the bars.
        values: >= 0, lengths of the bars.
        texts: to the right of the bars.
        title: above them.
    """
    font, row, width = caption_font(), _FONT_SIZE + 8, 360
    label_width = max((font.getlength(label) for label in labels), default=0) + 16
    text_width = max((font.getlength(text) for text in texts), default=0) + 16
    size = (
        round(max(label_width + width + text_width, font.getlength(title) + 16)),
        row * (len(labels) + 1) + 16,
    )
    chart = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(chart)
    pen.text((8, 8), title, INK, font)
    largest = max(values, default=0.0) or 1.0
    for place, (label, value, text) in enumerate(zip(labels, values, texts, strict=True), start=1):
        middle = 8 + row * place + row / 2
        end = label_width + width * value / largest
        pen.text((label_width - 6, middle), label, INK, font, anchor="rm")
        pen.rectangle((label_width, middle - row / 3, end, middle + row / 3), fill=BASE_COLOUR)
        pen.text((end + 6, middle), text, INK, font, anchor="lm")
    return chart


def _draw(
    photo: Tensor,
    boxes_xyxy: Tensor,
    colours: Sequence[Colour],
    captions: Sequence[str],
    stars: Sequence[bool],
    long_side: int,
) -> Image.Image:
    if not len(boxes_xyxy) == len(colours) == len(captions):
        raise InputError(
            f"{len(boxes_xyxy)} boxes need as many captions and flags or scores, got {len(captions)} and "
            f"{len(colours)}"
        )
    picture, zoom = _zoomed(photo, long_side)
    pen = ImageDraw.Draw(picture)
    frames = [_inside(box, picture.size) for box in (boxes_xyxy.double().cpu() * zoom).tolist()]
    for frame, colour in reversed(list(zip(frames, colours, strict=True))):
        _outline(pen, frame, colour)
    taken: list[Rectangle] = []
    for frame, colour, text, star in zip(frames, colours, captions, stars, strict=True):
        if text:
            taken.append(_label(pen, frame, colour, text, star, picture.size, taken))
    return picture


def _zoomed(photo: Tensor, long_side: int) -> tuple[Image.Image, float]:
    if photo.dtype != torch.uint8 or photo.ndim != 3 or photo.shape[0] != 3:
        raise InputError(
            f"a photo to draw on must be uint8 (3, H, W), got {photo.dtype} {tuple(photo.shape)}"
        )
    picture = to_pil_image(photo.cpu())
    zoom = min(_LARGEST_ZOOM, long_side / max(picture.size))
    size = (max(1, round(picture.width * zoom)), max(1, round(picture.height * zoom)))
    return picture.resize(size, Image.Resampling.BICUBIC), zoom


def _inside(box: Sequence[float], size: tuple[int, int]) -> Rectangle:
    """Round to whole pixels inside the picture, so that all four sides are visible."""
    (x0, y0, x1, y1), (width, height) = box, size
    left, top = min(max(round(x0), 0), width - 2), min(max(round(y0), 0), height - 2)
    return (
        left,
        top,
        min(max(round(x1) - 1, left + 1), width - 1),
        min(max(round(y1) - 1, top + 1), height - 1),
    )


def _outline(pen: ImageDraw.ImageDraw, frame: Rectangle, colour: Colour) -> None:
    """A line of three pixels with a white hairline around it: visible on any background."""
    x0, y0, x1, y1 = frame
    pen.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=PAPER)
    pen.rectangle(frame, outline=colour, width=3)


def _label(
    pen: ImageDraw.ImageDraw,
    frame: Rectangle,
    colour: Colour,
    text: str,
    star: bool,
    size: tuple[int, int],
    taken: Sequence[Rectangle],
) -> Rectangle:
    """Write a caption where it overlaps earlier captions least; returns its rectangle."""
    font = caption_font()
    star_width = _FONT_SIZE + 2 if star else 0
    width = font.getlength(text) + star_width + 2 * _PADDING
    height = _FONT_SIZE + 2 * _PADDING
    places = _label_places(frame, width, height, size)
    x0, y0, _, y1 = place = min(places, key=lambda spot: sum(_overlap(spot, other) for other in taken))
    pen.rectangle(place, fill=colour)
    ink = PAPER if _is_dark(colour) else INK
    middle = (y0 + y1) / 2
    if star:
        pen.polygon(_star(x0 + _PADDING + _FONT_SIZE / 2 - 1, middle, _FONT_SIZE / 2), fill=ink)
    pen.text((x0 + _PADDING + star_width, middle), text, ink, font, anchor="lm")
    return place


def _label_places(frame: Rectangle, width: float, height: float, size: tuple[int, int]) -> list[Rectangle]:
    """Above, inside and below the box, aligned left or right, moved into the picture; best first."""
    x0, y0, x1, y1 = frame
    corners = [
        (left, top)
        for top in (y0 - height, y0, y1 + 1 - height, y1 + 1)
        for left in (x0, x1 + 1 - width)
        if 0 <= top <= size[1] - height
    ] or [(x0, y0)]
    pushed = [
        (max(0, min(left, size[0] - width)), max(0, min(top, size[1] - height))) for left, top in corners
    ]
    return [(left, top, left + width - 1, top + height - 1) for left, top in pushed]


def _overlap(one: Rectangle, other: Rectangle) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """Ten corners of a five-pointed star; unit vectors by steps of 36 degrees, from straight up."""
    sines = (0.0, 0.588, 0.951, 0.951, 0.588, 0.0, -0.588, -0.951, -0.951, -0.588)
    cosines = (1.0, 0.809, 0.309, -0.309, -0.809, -1.0, -0.809, -0.309, 0.309, 0.809)
    lengths = (radius, radius * 0.42) * 5
    return [(x + r * s, y - r * c) for r, s, c in zip(lengths, sines, cosines, strict=True)]


def _is_dark(colour: Colour) -> bool:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 140


def caption_font() -> ImageFont.FreeTypeFont:
    """The font of all captions. Raises InputError when Pillow has none."""
    font = ImageFont.load_default(_FONT_SIZE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise InputError("captions need a Pillow with FreeType: install Pillow from its wheel")
    return font
