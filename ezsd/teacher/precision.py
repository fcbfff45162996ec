"""The precision of the image tower's forwards."""

from typing import Any, cast

import torch

from ezsd.config import Precision
from ezsd.teacher.protocol import Teacher

HALVES: dict[Precision, torch.dtype] = {"bfloat16": torch.bfloat16, "float16": torch.float16}
ENCODERS = ("encode_images", "dense_maps")


class HalfTeacher:
    """A teacher that encodes images in half precision by `torch.autocast`.

    Matrix products and convolutions are in half precision; weights, norm layers and what the encoders return
    stay float32. Everything else is the wrapped teacher's.
    """

    def __init__(self, teacher: Teacher, dtype: torch.dtype) -> None:
        self._teacher, self._dtype = teacher, dtype

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._teacher, name)
        return self._cast(value) if name in ENCODERS else value

    def _cast(self, encode: Any) -> Any:
        def encode_in_half(pixels: torch.Tensor) -> Any:
            with torch.autocast(pixels.device.type, self._dtype):
                encoded = encode(pixels)
            return encoded.float() if isinstance(encoded, torch.Tensor) else [one.float() for one in encoded]

        return encode_in_half


def used_precision(asked: Precision, device: torch.device) -> Precision:
    """The precision that a device computes in: half precision is for GPUs, a CPU takes float32."""
    return asked if device.type == "cuda" else "float32"


def in_precision(teacher: Teacher, precision: Precision) -> Teacher:
    """The teacher with its image encoders in this precision; itself for float32."""
    if precision == "float32":
        return teacher
    return cast(Teacher, HalfTeacher(teacher, HALVES[precision]))
