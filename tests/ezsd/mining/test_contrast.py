"""Boxes are described by how they differ from their surroundings, not by what they hold."""

import pytest
import torch

from ezsd.mining.contrast import MAX_CHANNELS, box_contrasts, relative_map
from ezsd.teacher.dense_maps import covered_size, photo_maps

SIZE = (96, 128)  # covered by 4 x 6 tiles of 24 px: 96 x 144
OBJECT = (40, 24, 72, 56)


def painted(generator: torch.Generator, channels: int = 8) -> torch.Tensor:
    """A map `(C, 48, 72)` of noise, 2 px a cell, with one object of other features."""
    one = torch.randn((channels, 48, 72), generator=generator) * 0.1
    one[0] += 1
    x0, y0, x1, y1 = (side // 2 for side in OBJECT)
    one[:, y0:y1, x0:x1] += torch.randn((channels, 1, 1), generator=generator)
    return one


@pytest.fixture
def one() -> torch.Tensor:
    return painted(torch.Generator().manual_seed(3))


def test_a_box_on_an_object_differs_most_from_its_surroundings(one: torch.Tensor) -> None:
    boxes = torch.tensor([OBJECT, (0, 24, 32, 56), (56, 40, 88, 72)]).float()
    on, beside, half = box_contrasts([one], boxes, SIZE)
    assert on[0] < -0.9 < min(half[0], beside[0])  # cosine of the inside and the near
    assert on[7] > half[7] > beside[7]  # length of their difference
    assert (on[13:17] > 3 * beside[13:17]).all()  # all four edges


def test_a_rotated_feature_space_describes_boxes_alike(one: torch.Tensor) -> None:
    """So a rule fitted to one kind of object cannot look for that kind."""
    boxes = torch.tensor([OBJECT, (10, 10, 60, 70), (90, 5, 120, 90)]).float()
    centred = one - one.mean(dim=0)
    rotation, _ = torch.linalg.qr(torch.randn((8, 8), generator=torch.Generator().manual_seed(1)))
    # a rotation that keeps the mean over channels, which the normalisation removes
    plane = torch.eye(8) - 1 / 8
    basis = torch.linalg.svd(plane).U[:, :7]
    inner, _ = torch.linalg.qr(rotation[:7, :7])
    turn = basis @ inner @ basis.T
    turned = (turn @ centred.flatten(1)).reshape(centred.shape)
    found, expected = box_contrasts([turned], boxes, SIZE), box_contrasts([one], boxes, SIZE)
    assert torch.allclose(found, expected, atol=2e-3)


def test_features_do_not_depend_on_the_scale_of_a_map(one: torch.Tensor) -> None:
    boxes = torch.tensor([OBJECT]).float()
    scaled = box_contrasts([50 * one + 7], boxes, SIZE)
    assert torch.allclose(scaled, box_contrasts([one], boxes, SIZE), atol=2e-3)


def test_no_box_and_a_box_beyond_the_photo_are_described(one: torch.Tensor) -> None:
    none, odd = torch.empty((0, 4)), torch.tensor([[-50.0, -50, 0, 0], [127, 95, 127, 95], [0, 0, 128, 96]])
    assert box_contrasts([one], none, SIZE).shape == (0, 17 + 5)
    assert box_contrasts([one], odd, SIZE).isfinite().all()


def test_many_channels_become_few_and_their_mean_is_zero() -> None:
    one = relative_map(torch.rand((3 * MAX_CHANNELS, 5, 7)))
    assert one.shape == (MAX_CHANNELS, 5, 7)
    assert torch.allclose(one.mean(dim=(1, 2)), torch.zeros(MAX_CHANNELS), atol=1e-5)
    assert relative_map(torch.rand((6, 5, 7))).shape == (6, 5, 7)


def test_maps_and_boxes_share_a_frame(tiny_teacher, random_photo) -> None:
    maps = photo_maps(random_photo(*SIZE), tiny_teacher)
    height, width = covered_size(SIZE)
    assert (height, width) == (96, 144)
    assert all(one.shape[1] / one.shape[2] == height / width for one in maps)
