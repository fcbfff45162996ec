"""A box is cut out of its photo with something around it."""

import base64
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.stages.pages.cutouts import SIDE, cutout, square_around
from ezsd.stages.pages.drawing import BASE_COLOUR, NOVEL_COLOUR


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((100, 100, 200, 140), (75, 45, 225, 195)),  # half as much again as the longer side
        ((0, 0, 100, 100), (0, 0, 150, 150)),  # moved into the photo
        ((390, 290, 400, 300), (352, 252, 400, 300)),  # at least 48 pixels
        ((0, 0, 400, 300), (0, 0, 400, 300)),
    ],
)
def test_the_square_is_around_the_box(box, expected) -> None:
    assert square_around(box, (400, 300)) == expected


@given(st.tuples(*[st.floats(0, 300)] * 4), st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_the_square_is_never_empty_or_outside(sides, size_wh) -> None:
    box = (min(sides[0], sides[2]), min(sides[1], sides[3]), max(sides[0], sides[2]), max(sides[1], sides[3]))
    left, top, right, bottom = square_around(box, size_wh)
    assert 0 <= left < right <= size_wh[0] and 0 <= top < bottom <= size_wh[1]


def test_the_first_box_is_in_the_middle_and_has_its_colour(tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), (128, 128, 128)).save(tmp_path / "a.png")
    boxes = [(100.0, 100.0, 200.0, 200.0), (100.0, 100.0, 110.0, 110.0)]
    made = cutout(PhotoFolder(tmp_path), "a.png", (400, 300), boxes, ["", ""], [True, False], "words")
    picture = Image.open(io.BytesIO(base64.b64decode(made.source.split(",")[1]))).convert("RGB")
    assert picture.size == (made.width, made.height) == (SIDE, SIDE) and made.alt == "words"
    scale = SIDE / 150
    middle = picture.getpixel((round(75 * scale), round(125 * scale) - 1))  # the lower edge
    assert all(abs(a - b) < 40 for a, b in zip(middle, NOVEL_COLOUR, strict=True))
    assert BASE_COLOUR != NOVEL_COLOUR


def test_the_name_of_a_small_box_fits_into_its_picture(tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), (128, 128, 128)).save(tmp_path / "a.png")
    box = [(200.0, 150.0, 212.0, 162.0)]
    made = cutout(PhotoFolder(tmp_path), "a.png", (400, 300), box, ["hanging mushroom"], [False], "words")
    picture = Image.open(io.BytesIO(base64.b64decode(made.source.split(",")[1]))).convert("RGB")
    assert picture.size == (made.width, made.height) == (SIDE, SIDE)
    edge = [picture.getpixel((SIDE - 1, y)) for y in range(SIDE)]
    assert all(abs(part - 128) < 20 for pixel in edge for part in pixel)


def test_an_unreadable_photo_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(b"no photo")
    for name, reason in {"a.jpg": "there is no such file", "b.jpg": "photo"}.items():
        made = cutout(PhotoFolder(tmp_path), name, (400, 300), [(0, 0, 9, 9)], [""], [False], "cup, photo 3")
        assert made.source == "" and made.alt.startswith("cup, photo 3: ") and reason in made.alt
        assert str(tmp_path) not in made.alt
