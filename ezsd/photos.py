"""From photos to pixels, for all stages and the public API."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ezsd.errors import InputError

Photo = str | Path | Image.Image | np.ndarray | Tensor
"""A path, a PIL image, or RGB uint8: a numpy array `(H, W, 3)` or a tensor `(3, H, W)`."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""Pillow's readers that are tried; some of the others start external programs."""

MAX_PIXELS = 80_000_000
"""Larger photos are refused before their pixels are decoded: a small file can expand enormously."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm"})
"""File name suffixes of photos, in lower or upper case."""

VIDEO_FORMATS = {
    ".mp4": "mov",
    ".mov": "mov",
    ".m4v": "mov",
    ".avi": "avi",
    ".mkv": "matroska",
    ".webm": "matroska",
}
"""Suffix -> the only container that it is read as: others, such as playlists, can open further files."""

_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))
_MODES_16_BIT = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})


def as_photo(photo: Photo) -> Tensor:
    """Convert any form of `Photo` to uint8 RGB `(3, H, W)`.

    Raises:
        InputError: it has another type, shape or dtype, or its file cannot be read.
    """
    if isinstance(photo, str | Path):
        return read_photo(Path(photo))
    if isinstance(photo, Image.Image):
        return _pixels(photo, _turn_to_declared(photo, None))
    if isinstance(photo, np.ndarray):
        _check(photo, np.uint8, photo.ndim == 3 and photo.shape[2] == 3, "a numpy array", "(H, W, 3)")
        return torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1).contiguous()
    if isinstance(photo, Tensor):
        _check(photo, torch.uint8, photo.ndim == 3 and photo.shape[0] == 3, "a tensor", "(3, H, W)")
        return photo
    raise InputError(
        f"a photo is a path, a PIL image, a numpy array or a tensor, got {type(photo).__name__}: convert it"
    )


def read_photo(path: Path) -> Tensor:
    """Decode a file to uint8 RGB `(3, H, W)`; raises InputError with the name of the file."""
    if is_video(path):
        raise InputError(f"{path} is a video, not a photo: give it by itself, not in a list")
    try:
        return decode_photo(path.read_bytes(), None)
    except OSError as error:
        raise InputError(f"photo {path} cannot be read ({error.strerror}): correct its path") from None
    except InputError as error:
        raise InputError(f"photo {path}: {error}") from error


def is_video(path: Path) -> bool:
    """Whether the file is a video, by its suffix."""
    return path.suffix.lower() in VIDEO_FORMATS


def decode_photo(data: bytes, declared_wh: tuple[int, int] | None) -> Tensor:
    """Decode a photo to uint8 RGB `(3, H, W)` in the frame of its annotations.

    An EXIF rotation is applied unless only the unrotated photo has the declared size: some data sets annotate
    the pixels as stored, others as shown. Grey is repeated over the channels, transparency is blended with
    white, and 16-bit grey keeps its high byte.

    Args:
        data: bytes of the file.
        declared_wh: (width, height) in the annotations, or None if there are none.

    Raises:
        InputError: the bytes are no photo, are truncated or corrupt, or have another size than declared.
    """
    image = _open(data)
    return _pixels(image, _turn_to_declared(image, declared_wh))


def read_size(path: Path) -> tuple[int, int]:
    """Width and height of a photo as it is shown, from its header; raises InputError with the file's name."""
    try:
        image = _open(path.read_bytes())
    except OSError as error:
        raise InputError(f"photo {path} cannot be read ({error.strerror}): correct its path") from None
    except InputError as error:
        raise InputError(f"photo {path}: {error}") from error
    width, height = image.size
    return (height, width) if _TURNS.get(_orientation(image)) in _SIDEWAYS else (width, height)


def _check(photo: Any, dtype: Any, fits: bool, kind: str, shape: str) -> None:
    if photo.dtype != dtype or not fits or 0 in photo.shape:
        raise InputError(
            f"a photo as {kind} must be uint8 of shape {shape}, "
            f"got {str(photo.dtype).removeprefix('torch.')} of shape {tuple(photo.shape)}"
        )


def _pixels(image: Image.Image, turn: Image.Transpose | None) -> Tensor:
    """Decode to uint8 `(3, H, W)` and apply the turn."""
    try:
        image.load()
        rgb = _to_rgb(image)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # decoders raise many kinds of errors on damaged bytes
        raise InputError(f"the photo is truncated or corrupt ({error}); replace or remove it") from error
    upright = rgb if turn is None else rgb.transpose(turn)
    return torch.from_numpy(np.array(upright, dtype=np.uint8)).permute(2, 0, 1).contiguous()


def _open(data: bytes) -> Image.Image:
    """Open a photo, reading only its header."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
    except Image.DecompressionBombError as error:
        raise InputError(_too_large("")) from error
    except MemoryError:
        raise
    except Exception as error:
        expected = ", ".join(FORMATS)
        raise InputError(
            f"not a photo that can be read ({len(data)} bytes); expected one of {expected}"
        ) from error
    if width * height > MAX_PIXELS:
        raise InputError(_too_large(f" with {width}x{height} pixels"))
    return image


def _turn_to_declared(image: Image.Image, declared_wh: tuple[int, int] | None) -> Image.Transpose | None:
    """Return the EXIF turn to apply, or None; raises InputError when neither orientation has the size."""
    turn = _TURNS.get(_orientation(image))
    stored_wh = image.size
    upright_wh = stored_wh[::-1] if turn in _SIDEWAYS else stored_wh
    if declared_wh is None or tuple(declared_wh) == upright_wh:
        return turn
    if tuple(declared_wh) == stored_wh:
        return None
    raise InputError(
        f"the photo is {upright_wh[0]}x{upright_wh[1]} pixels but its annotation says "
        f"{declared_wh[0]}x{declared_wh[1]}; put the right file there or correct width and height"
    )


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation 1..8 that is still to be applied; Pillow applies it to TIFF itself."""
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block does not mean damaged pixels
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _MODES_16_BIT:
        high_byte = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        image = Image.fromarray(high_byte.astype(np.uint8))
    if image.mode == "F":
        raise InputError("floating-point pixels have no fixed range; save it with 8 or 16 bits a channel")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")


def _too_large(size: str) -> str:
    return f"the photo is too large{size}: at most {MAX_PIXELS:,} pixels are read; scale it down"
