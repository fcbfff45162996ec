"""A detector with a mask head: what it learns from, what it gives, and what it leaves as it is."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ezsd.detector.config import DetectorConfig, MaskHeadConfig, Selection
from ezsd.detector.detector import (
    LOSSES,
    ZeroShotDetector,
    build_detector,
    detect,
    detector_tensors,
    restore_detector,
)
from ezsd.detector.mask_head import mask_targets, regions_with_masks
from ezsd.masks import decode_masks, paste_masks

HEAD = MaskHeadConfig(convolutions=1, channels=4)


def make(config: DetectorConfig, dim: int) -> ZeroShotDetector:
    torch.manual_seed(0)
    detector = build_detector(config, dim)
    detector.set_vocabulary(torch.randn(5, dim, generator=torch.Generator().manual_seed(1)))
    return detector


@pytest.fixture
def masked(tiny) -> ZeroShotDetector:
    return make(replace(tiny.config(), mask_head=HEAD), tiny.dim)


def with_masks(target: dict[str, Tensor], size_hw: tuple[int, int]) -> dict[str, Tensor]:
    """The target with masks that fill their boxes."""
    masks = torch.zeros(len(target["boxes"]), *size_hw, dtype=torch.uint8)
    for mask, box in zip(masks, target["boxes"].int().tolist(), strict=True):
        mask[box[1] : box[3], box[0] : box[2]] = 1
    return {**target, "masks": masks}


def test_a_region_learns_which_of_its_cells_the_object_covers() -> None:
    left_half = torch.zeros(1, 8, 8)
    left_half[:, :, :4] = 1
    boxes = [torch.tensor([[0.0, 0.0, 8.0, 8.0], [0.0, 0.0, 4.0, 8.0], [4.0, 0.0, 8.0, 8.0]])]
    whole, inside, outside = mask_targets([left_half], boxes, [torch.zeros(3, dtype=torch.int64)], 2)
    assert whole[:, 0].min() > 0.7 and whole[:, 1].max() < 0.3
    assert inside.min() > 0.7 and outside.max() < 0.3


def test_what_is_learned_is_what_is_pasted() -> None:
    mask = torch.zeros(100, 120)
    mask[20:80, 30:50] = mask[60:80, 30:90] = 1  # an L: flips and turns would show
    box = torch.tensor([[26.0, 16.0, 96.0, 84.0]])
    grid = mask_targets([mask[None]], [box], [torch.zeros(1, dtype=torch.int64)], 28)
    (rle,) = paste_masks(grid, box, (100, 120))
    pasted = decode_masks([rle["counts"].encode()], (100, 120))[0].bool()
    overlap = (pasted & mask.bool()).sum() / (pasted | mask.bool()).sum()
    assert overlap > 0.9


def test_the_other_losses_are_those_of_the_detector_without_masks(tiny, masked: ZeroShotDetector) -> None:
    plain = make(tiny.config(), tiny.dim).train()
    photos = [tiny.photo(0), tiny.photo(1)]
    targets = [with_masks(tiny.target(seed=seed), (tiny.side, tiny.side)) for seed in (0, 1)]
    theirs, ours = plain(photos, targets), masked.train()(photos, targets)
    assert masked.losses == (*LOSSES, "mask") and set(ours) == set(masked.losses)
    assert all(torch.equal(ours[name], theirs[name]) for name in LOSSES)
    assert float(ours["mask"].detach()) > 0


def test_photos_without_objects_train_the_mask_head_on_nothing(tiny, masked: ZeroShotDetector) -> None:
    target = with_masks(tiny.target(objects=0), (tiny.side, tiny.side))
    losses = masked.train()([tiny.photo()], [target])
    sum(losses.values()).backward()
    assert float(losses["mask"].detach()) == 0
    assert all(parameter.grad is not None for parameter in masked.roi_heads.masks.parameters())


def test_an_object_whose_mask_is_not_known_is_left_out() -> None:
    regions = [torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 3.0, 3.0], [2.0, 2.0, 4.0, 4.0]])]
    masks = [torch.stack([torch.zeros(4, 4), torch.ones(4, 4)])]
    rows, labels = [torch.tensor([0, 1, 1])], [torch.tensor([3, 2, 0])]
    boxes, objects = regions_with_masks(regions, rows, labels, masks)
    assert boxes[0].tolist() == [[1.0, 1.0, 3.0, 3.0]] and objects[0].tolist() == [1]


def test_each_detection_has_a_grid_and_masks_change_no_box(tiny, masked: ZeroShotDetector) -> None:
    photos = [tiny.photo(0), tiny.photo(1, 50, 90)]
    chosen = Selection(detections_per_image=7)
    for ours, theirs in zip(
        detect(masked, photos, chosen), detect(make(tiny.config(), tiny.dim), photos, chosen), strict=True
    ):
        assert ours.mask_probabilities is not None and theirs.mask_probabilities is None
        assert ours.mask_probabilities.shape == (7, 28, 28)
        assert ours.mask_probabilities.min() >= 0 and ours.mask_probabilities.max() <= 1
        assert torch.equal(ours.boxes_xyxy, theirs.boxes_xyxy)


def test_a_photo_with_nothing_found_has_no_masks(tiny, masked: ZeroShotDetector) -> None:
    (found,) = detect(masked, [tiny.photo()], Selection(score_threshold=1.0))
    assert found.mask_probabilities is not None and found.mask_probabilities.shape == (0, 28, 28)


def test_a_checkpoint_brings_the_mask_head_back(tiny, masked: ZeroShotDetector) -> None:
    again = restore_detector(masked.config.to_dict(), detector_tensors(masked))
    (one,), (other,) = detect(masked, [tiny.photo()]), detect(again, [tiny.photo()])
    assert torch.equal(one.mask_probabilities, other.mask_probabilities)
