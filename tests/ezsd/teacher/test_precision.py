"""Half precision: what it changes, and what stays."""

import pytest
import torch

from ezsd.mining.exhaustive import distinct_boxes
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.dense_maps import photo_maps, require_dense
from ezsd.teacher.load import load_teacher
from ezsd.teacher.precision import in_precision, used_precision
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import find_teacher


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    return load_teacher(find_teacher("world-teacher", None))


def test_float32_is_the_teacher_itself(teacher: Teacher) -> None:
    assert in_precision(teacher, "float32") is teacher


def test_half_precision_moves_embeddings_a_little(teacher: Teacher) -> None:
    half = in_precision(teacher, "bfloat16")
    photo = torch.randint(0, 256, (3, 90, 120), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    boxes = distinct_boxes(torch.tensor([[0.0, 0, 120, 90], [10, 10, 60, 70], [50, 20, 110, 90]]))
    own, moved = (BoxEncoder(one, 8).encode(photo, boxes, 1.2) for one in (teacher, half))
    assert moved.dtype == torch.float32
    assert torch.cosine_similarity(own, moved).min() > 0.99 and not torch.equal(own, moved)
    assert all(one.dtype == torch.float32 for one in photo_maps(photo, require_dense(half)))
    assert torch.equal(half.encode_texts(["a boat"]), teacher.encode_texts(["a boat"]))


def test_a_teacher_without_maps_has_none_in_half_precision(teacher: Teacher) -> None:
    class Plain:
        image_size, dim = teacher.image_size, teacher.dim

    assert not hasattr(in_precision(Plain(), "float16"), "dense_maps")


@pytest.mark.parametrize(("device", "used"), [("cpu", "float32"), ("cuda", "bfloat16")])
def test_half_precision_is_for_gpus(device: str, used: str) -> None:
    assert used_precision("bfloat16", torch.device(device)) == used
