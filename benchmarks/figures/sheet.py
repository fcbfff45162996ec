"""Panels with text on white, large enough to be read at half size."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
GREY: Colour = (150, 150, 150)
BASE: Colour = (31, 111, 180)
NOVEL: Colour = (204, 85, 0)
FONT, SMALL = 24, 21
LEADING = FONT + 8
_SHARE_WIDTH = 60


class Line(NamedTuple):
    """A box (4,) in pixels of a photo, its colour and width, and an optional caption."""

    box_xyxy: Tensor
    colour: Colour
    width: int = 2
    caption: str = ""


class Words(NamedTuple):
    """A piece of a title."""

    text: str
    colour: Colour = INK


Title = Sequence[Sequence[Words]]
"""Lines of pieces."""


def enlarged(photo: Tensor, size_wh: tuple[int, int]) -> Image.Image:
    """Return uint8 (3, H, W) as a picture of that size."""
    return to_pil_image(photo).resize(size_wh, Image.Resampling.BICUBIC)


def faded(picture: Image.Image, share: float = 0.4) -> Image.Image:
    """Blur the picture and mix it with a share of white, so that lines stand out."""
    soft = picture.filter(ImageFilter.GaussianBlur(1.5))
    return Image.blend(soft, Image.new("RGB", picture.size, PAPER), share)


def draw_lines(
    picture: Image.Image, lines: Sequence[Line], zoom: float, corner: tuple[float, float] = (0.0, 0.0)
) -> None:
    """Draw boxes of a photo, which the picture shows enlarged `zoom` times from `corner` (x, y) on.

    Later boxes are on top, and captions above all boxes.
    """
    pen = ImageDraw.Draw(picture)
    shift = torch.tensor(corner * 2)
    places = [((line.box_xyxy - shift) * zoom).round().int().tolist() for line in lines]
    for line, (x0, y0, x1, y1) in zip(lines, places, strict=True):
        edges = (max(x0, 0), max(y0, 0), min(x1, picture.width) - 1, min(y1, picture.height) - 1)
        pen.rectangle(edges, outline=line.colour, width=line.width)
    for line, (x0, y0, _, _) in zip(lines, places, strict=True):
        if line.caption:
            _tag(pen, picture.width, (x0, y0), line.caption, line.colour)


def draw_bars(
    names: Sequence[str], shares: Sequence[float], colours: Sequence[Colour], width: int
) -> Image.Image:
    """Draw a bar for each name, as long as its share in 0..1, with the name on it and the share beside it."""
    row = FONT + 16
    chart = Image.new("RGB", (width, row * len(names)), PAPER)
    pen = ImageDraw.Draw(chart)
    for place, (name, share, colour) in enumerate(zip(names, shares, colours, strict=True)):
        top, middle = row * place, row * place + row / 2
        end = max(4.0, share * (width - _SHARE_WIDTH))
        pen.rectangle((0, top + 3, end, top + row - 4), fill=colour)
        pen.text((10, middle), name, INK, font(SMALL), anchor="lm")
        pen.text((width - 6, middle), f"{share:.2f}", INK, font(SMALL), anchor="rm")
    return chart


def write_title(sheet: Image.Image, corner: tuple[float, float], title: Title) -> None:
    """Write lines below each other from their top left corner (x, y)."""
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(title):
        left, middle = corner[0], corner[1] + (number + 0.5) * LEADING
        for words in line:
            pen.text((left, middle), words.text, words.colour, font(FONT), anchor="lm")
            left += font(FONT).getlength(words.text)


def beside(panels: Sequence[Image.Image], titles: Sequence[Title], gap: int = 18) -> Image.Image:
    """Place panels in a row, each with its title below."""
    foot = LEADING * max(map(len, titles)) + 12
    width = sum(panel.width + gap for panel in panels) - gap
    height = max(panel.height for panel in panels)
    sheet = Image.new("RGB", (width, height + foot), PAPER)
    left = 0
    for panel, title in zip(panels, titles, strict=True):
        sheet.paste(panel, (left, 0))
        write_title(sheet, (left, height + 6), title)
        left += panel.width + gap
    return sheet


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's default font."""
    return ImageFont.load_default(size)


def _tag(
    pen: ImageDraw.ImageDraw, picture_width: int, corner: tuple[int, int], text: str, colour: Colour
) -> None:
    width, height = round(font(SMALL).getlength(text)) + 10, SMALL + 8
    left, top = max(0, min(corner[0], picture_width - width)), max(0, corner[1] - height)
    pen.rectangle((left, top, left + width - 1, top + height - 1), fill=colour)
    pen.text((left + 5, top + height / 2), text, PAPER, font(SMALL), anchor="lm")
