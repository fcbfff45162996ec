"""Photos are scaled and padded, and all boxes follow."""

from typing import Any

import torch
from torch import tensor
from torch.testing import assert_close
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from ezsd.detector.backbone import PyramidBackbone
from ezsd.detector.transform import PhotoTransform


def make_transform(tiny: Any) -> PhotoTransform:
    config = tiny.config()
    backbone = PyramidBackbone(config.backbone, config.pyramid_channels)
    return PhotoTransform(backbone, config.short_side, config.long_side)


def test_a_training_photo_takes_its_own_short_side_and_its_boxes_follow(tiny: Any) -> None:
    target = {
        "boxes": tensor([[10.0, 20.0, 30.0, 40.0]]),
        "distill_boxes": tensor([[0.0, 0.0, 80.0, 40.0], [8.0, 4.0, 16.0, 8.0]]),
        "short_side": tensor(80),
    }
    transform = make_transform(tiny)
    images, targets = transform([tiny.photo(height=40, width=60)], [target])
    assert images.image_sizes == [(80, 120)]
    assert images.tensors.shape == (1, 3, 96, 128)
    assert_close(targets[0]["boxes"], target["boxes"] * 2)
    assert_close(targets[0]["distill_boxes"], target["distill_boxes"] * 2)
    assert_close(target["boxes"], tensor([[10.0, 20.0, 30.0, 40.0]]))


def test_masks_are_scaled_with_their_photo(tiny: Any) -> None:
    masks = torch.zeros(1, 40, 60, dtype=torch.uint8)
    masks[:, 10:20, 30:50] = 1
    empty = torch.zeros(0, 4)
    target = {"boxes": empty, "distill_boxes": empty, "short_side": tensor(80), "masks": masks}
    _, targets = make_transform(tiny)([tiny.photo(height=40, width=60)], [target])
    assert targets[0]["masks"].shape == (1, 80, 120)
    assert targets[0]["masks"].sum() == targets[0]["masks"][:, 20:40, 60:100].sum() == 20 * 40


def test_the_long_side_sets_the_limit(tiny: Any) -> None:
    transform = make_transform(tiny)  # 64 by at most 128
    images, _ = transform([tiny.photo(height=40, width=160)])
    assert images.image_sizes == [(32, 128)]


def test_a_photo_without_boxes(tiny: Any) -> None:
    empty = {"boxes": torch.zeros(0, 4), "distill_boxes": torch.zeros(0, 4), "short_side": tensor(32)}
    _, targets = make_transform(tiny)([tiny.photo()], [empty])
    assert targets[0]["boxes"].shape == targets[0]["distill_boxes"].shape == (0, 4)


def test_pixels_are_normalised_from_bytes(tiny: Any) -> None:
    white = torch.full((3, 64, 64), 255, dtype=torch.uint8)
    images, _ = make_transform(tiny)([white])
    assert_close(
        images.tensors[0, :, 0, 0], (1 - tensor([0.485, 0.456, 0.406])) / tensor([0.229, 0.224, 0.225])
    )


def test_colours_are_normalized_as_torchvision_does_and_the_photo_is_left_alone(tiny: Any) -> None:
    transform, photo = make_transform(tiny), tiny.photo(height=8, width=9)
    expected = GeneralizedRCNNTransform.normalize(transform, photo.to(torch.float32) / 255)
    in_floats = photo.to(torch.float32)
    for given in (photo, in_floats):
        assert torch.equal(transform.normalize(given), expected)
    assert torch.equal(in_floats, photo.to(torch.float32))
