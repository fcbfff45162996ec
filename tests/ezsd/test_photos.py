import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ezsd.errors import InputError
from ezsd.photos import FORMATS, MAX_PIXELS, as_photo, decode_photo

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def corners() -> Image.Image:
    """3 wide, 2 high: red top left, green top right, blue bottom left, white elsewhere."""
    image = Image.new("RGB", (3, 2), WHITE)
    for at, colour in (((0, 0), RED), ((2, 0), GREEN), ((0, 1), BLUE)):
        image.putpixel(at, colour)
    return image


def pixel(photo: torch.Tensor, x: int, y: int) -> tuple[int, ...]:
    return tuple(photo[:, y, x].tolist())


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(corners(), exif=exif)


def test_colour_photo_keeps_its_pixels():
    photo = decode_photo(encoded(corners()), (3, 2))
    assert (photo.dtype, tuple(photo.shape)) == (torch.uint8, (3, 2, 3))
    assert photo.is_contiguous()
    assert [pixel(photo, x, y) for x, y in ((0, 0), (2, 0), (0, 1), (1, 1))] == [RED, GREEN, BLUE, WHITE]


def test_jpeg_equals_pillow():
    image = Image.effect_noise((40, 30), 50).convert("RGB")
    data = encoded(image, "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(decode_photo(data, (40, 30)).permute(1, 2, 0).numpy(), expected)


def test_grey_is_repeated():
    photo = decode_photo(encoded(Image.new("L", (5, 4), 77), "JPEG"), None)
    assert tuple(photo.shape) == (3, 4, 5)
    assert photo.unique().tolist() == [77]


def test_cmyk_jpeg_becomes_rgb():
    photo = decode_photo(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), (8, 8))
    red, green, blue = pixel(photo, 4, 4)
    assert red > 250
    assert max(green, blue) < 5


def test_palette_keeps_its_colours():
    photo = decode_photo(encoded(corners().quantize(8)), None)
    assert pixel(photo, 0, 0) == RED
    assert pixel(photo, 2, 0) == GREEN


def test_transparent_pixels_show_white():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    photo = decode_photo(encoded(image), None)
    assert (pixel(photo, 0, 0), pixel(photo, 1, 0)) == (RED, WHITE)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (256, 1), (32768, 128), (65535, 255)])
def test_16_bit_grey_is_scaled(value, expected):
    image = Image.fromarray(np.full((3, 4), value, dtype=np.uint16))
    photo = decode_photo(encoded(image), (4, 3))
    assert tuple(photo.shape) == (3, 3, 4)
    assert photo.unique().tolist() == [expected]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colour_type: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_16_bit_colour_is_scaled():
    row = b"\x00" + struct.pack(">HHH", 65535, 32768, 256)
    assert pixel(decode_photo(png(1, 1, 16, 2, row), None), 0, 0) == (255, 128, 1)


@pytest.mark.parametrize(
    ("orientation", "red", "green", "blue"),
    [  # where the three corners lie once the picture is shown as its camera saw it
        (1, (0, 0), (2, 0), (0, 1)),
        (2, (2, 0), (0, 0), (2, 1)),
        (3, (2, 1), (0, 1), (2, 0)),
        (4, (0, 1), (2, 1), (0, 0)),
        (5, (0, 0), (0, 2), (1, 0)),
        (6, (1, 0), (1, 2), (0, 0)),
        (7, (1, 2), (1, 0), (0, 2)),
        (8, (0, 2), (0, 0), (1, 2)),
    ],
)
def test_exif_rotation_is_applied(orientation, red, green, blue):
    wh = (3, 2) if orientation < 5 else (2, 3)
    for declared in (None, wh):
        photo = decode_photo(with_orientation(orientation), declared)
        assert tuple(photo.shape) == (3, wh[1], wh[0])
        assert [pixel(photo, *at) for at in (red, green, blue)] == [RED, GREEN, BLUE]


def test_exif_rotation_is_left_when_the_stored_size_is_the_declared_one():
    photo = decode_photo(with_orientation(6), (3, 2))
    assert tuple(photo.shape) == (3, 2, 3)
    assert pixel(photo, 0, 0) == RED


def test_tiff_is_turned_once():
    photo = decode_photo(encoded(corners(), "TIFF", tiffinfo={0x0112: 6}), (2, 3))
    assert pixel(photo, 1, 0) == RED


def test_damaged_exif_is_no_obstacle():
    data = encoded(corners(), exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff")
    assert pixel(decode_photo(data, (3, 2)), 0, 0) == RED


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "BMP", "WEBP"])
def test_truncated_photo_is_refused(file_format):
    data = encoded(Image.effect_noise((64, 64), 80).convert("RGB"), file_format)
    with pytest.raises(InputError, match=r"truncated or corrupt|not a photo"):
        decode_photo(data[: len(data) // 2], (64, 64))


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_photo_is_refused(data):
    with pytest.raises(InputError, match="not a photo that can be read"):
        decode_photo(data, None)


def test_another_size_than_declared_is_refused():
    with pytest.raises(InputError, match="3x2 pixels but its annotation says 640x480"):
        decode_photo(encoded(corners()), (640, 480))


def test_rotated_photo_of_another_size_is_refused():
    with pytest.raises(InputError, match="2x3 pixels but its annotation says 640x480"):
        decode_photo(with_orientation(6), (640, 480))


@pytest.mark.parametrize("side", [int(MAX_PIXELS**0.5) + 1, 60_000])
def test_decompression_bomb_is_refused_by_its_header(side):
    with pytest.raises(InputError, match="too large"):
        decode_photo(png(side, side, 8, 0, b"\x00"), None)


def test_floating_point_pixels_are_refused():
    with pytest.raises(InputError, match="no fixed range"):
        decode_photo(encoded(Image.new("F", (2, 2), 0.5), "TIFF"), None)


SAMPLES = [encoded(Image.effect_noise((24, 16), 60).convert("RGB"), kind) for kind in FORMATS]


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_damaged_bytes_give_a_photo_or_an_input_error(sample, damage):
    data = bytearray(sample)
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    try:
        photo = decode_photo(bytes(data), (24, 16))
    except InputError:
        return
    assert (photo.dtype, tuple(photo.shape)) == (torch.uint8, (3, 16, 24))


PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def test_every_form_of_a_photo_becomes_the_same_tensor(tmp_path: Path) -> None:
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "photo.png")
    expected = torch.from_numpy(PIXELS).permute(2, 0, 1)
    for photo in (tmp_path / "photo.png", str(tmp_path / "photo.png"), image, PIXELS, expected):
        assert torch.equal(as_photo(photo), expected)
    assert torch.equal(as_photo(PIXELS[:, ::-1]), expected.flip(2))  # a view with a negative stride


def test_a_pil_image_is_turned_and_loses_its_transparency() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(encoded(corners(), exif=exif))) as image:
        assert as_photo(image).shape == (3, 3, 2)
    assert as_photo(Image.new("RGBA", (2, 1), (0, 0, 0, 0))).unique().tolist() == [255]


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (PIXELS.astype(np.float32), r"uint8 of shape \(H, W, 3\), got float32 of shape \(4, 6, 3\)"),
        (PIXELS[..., :1], r"\(H, W, 3\), got uint8 of shape \(4, 6, 1\)"),
        (PIXELS[None], r"\(H, W, 3\), got uint8 of shape \(1, 4, 6, 3\)"),
        (PIXELS[:0], r"got uint8 of shape \(0, 6, 3\)"),
        (torch.from_numpy(PIXELS), r"\(3, H, W\), got uint8 of shape \(4, 6, 3\)"),
        (torch.zeros(3, 4, 6), r"\(3, H, W\), got float32 of shape \(3, 4, 6\)"),
        (b"bytes", "got bytes"),
        (Path("clip.MP4"), "is a video, not a photo"),
        (Path("nowhere.png"), r"photo nowhere\.png cannot be read"),
    ],
)
def test_another_photo_is_refused_with_what_was_expected(photo: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        as_photo(photo)  # type: ignore[arg-type]
