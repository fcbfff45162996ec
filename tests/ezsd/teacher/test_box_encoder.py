import logging

import pytest
import torch

from ezsd.teacher.box_encoder import BatchLimit, BoxEncoder, is_out_of_memory
from ezsd.teacher.crops import square_crops

BOXES = torch.tensor([[0.0, 0, 20, 20], [5, 5, 30, 40], [10, 2, 60, 30], [0, 0, 64, 48], [3, 3, 4, 4]])


def test_embeddings_are_those_of_the_crops(tiny_teacher, random_photo):
    photo = random_photo(48, 64)
    found = BoxEncoder(tiny_teacher, batch=2).encode(photo, BOXES, 1.2)
    with torch.no_grad():
        expected = tiny_teacher.encode_images(tiny_teacher.pixels(square_crops(photo, BOXES, 1.2, 32)))
    assert torch.allclose(found, expected, atol=1e-5)


def test_no_boxes_cost_no_forward(tiny_teacher, random_photo):
    encoder = BoxEncoder(tiny_teacher, batch=4)
    assert encoder.encode(random_photo(20, 20), torch.empty((0, 4)), 1.0).shape == (0, 16)
    assert encoder.encode_multi(random_photo(20, 20), torch.empty((0, 4))).shape == (0, 16)
    assert encoder.forwards == 0


def test_two_views_are_summed_and_normalised(tiny_teacher, random_photo):
    photo, encoder = random_photo(48, 64), BoxEncoder(tiny_teacher, batch=4)
    both = encoder.encode(photo, BOXES, 1.0) + encoder.encode(photo, BOXES, 1.5)
    assert torch.allclose(
        encoder.encode_multi(photo, BOXES), both / both.norm(dim=1, keepdim=True), atol=1e-6
    )
    assert encoder.forwards == 20


class SmallMemory:
    """Runs out of memory above a number of crops."""

    def __init__(self, teacher, room):
        self._teacher, self._room = teacher, room

    def __getattr__(self, name):
        return getattr(self._teacher, name)

    def encode_images(self, pixels):
        if len(pixels) > self._room:
            raise torch.OutOfMemoryError("no room")
        return self._teacher.encode_images(pixels)


def test_out_of_memory_halves_the_batch_and_warns_once(tiny_teacher, random_photo, caplog):
    photo, limit = random_photo(48, 64), BatchLimit()
    encoder = BoxEncoder(SmallMemory(tiny_teacher, room=1), batch=4, limit=limit)
    with caplog.at_level(logging.WARNING):
        found = encoder.encode(photo, BOXES, 1.2)
        later = BoxEncoder(encoder.teacher, batch=4, limit=limit)
        again = later.encode(photo, BOXES, 1.2)
    expected = BoxEncoder(tiny_teacher, batch=4).encode(photo, BOXES, 1.2)
    assert torch.allclose(found, expected, atol=1e-5) and torch.equal(found, again)
    assert limit.crops == 1 and encoder.forwards == later.forwards == 5
    assert [record.getMessage() for record in caplog.records] == [
        "out of memory with a batch of 4 crops: going on with 1 at once"
    ]


def test_one_crop_that_does_not_fit_is_an_error(tiny_teacher, random_photo):
    with pytest.raises(torch.OutOfMemoryError):
        encoder = BoxEncoder(SmallMemory(tiny_teacher, room=0), batch=4, limit=BatchLimit())
        encoder.encode(random_photo(8, 8), BOXES, 1.0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("no room"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_out_of_memory_is_recognized(error, expected):
    assert is_out_of_memory(error) == expected
