import math
from dataclasses import replace

import pytest
import torch

from ezsd.boxes import max_iou_xyxy
from ezsd.errors import InputError
from ezsd.mining.cascade import (
    EMPTY_STEP,
    OBJECT_WEIGHT,
    CascadeMiner,
    RidgeSums,
    box_weights,
    object_targets,
    objectness_features,
    objectness_sums,
)
from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import CropClassifier
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.dense_maps import count_tiles, photo_maps, require_dense

NONE = torch.empty((0, 4))
GRID = MineConfig(
    long_side=128,
    short_side=96,
    stride=16,
    scales=(1, 2),
    ratios=(1.0,),
    nms_iou=0.7,
    post_nms_top_n=200,
    base_iou=0.3,
    keep=20,
    context_factor=1.2,
)


class PlainMaps:
    """A dense teacher whose only map is the tile itself, pixel for pixel."""

    def __init__(self, colour_teacher):
        self._teacher = colour_teacher

    def __getattr__(self, name):
        return getattr(self._teacher, name)

    def dense_maps(self, pixels):
        return [pixels]


@pytest.fixture
def dense_classifier(colour_classifier):
    def make(base, others):
        classifier = colour_classifier(base, others)
        return CropClassifier(
            BoxEncoder(PlainMaps(classifier.encoder.teacher), 64),
            classifier.text_embeddings,
            classifier.base_count,
        )

    return make


@pytest.mark.parametrize(
    ("original_size", "tiles"), [((480, 640), 4 * 6), ((256, 256), 16), ((10, 1000), 1 * 32), ((1, 1), 16)]
)
def test_tiles_are_counted_by_hand(original_size, tiles):
    assert count_tiles(original_size) == tiles


def test_maps_of_tiles_make_a_map_of_the_photo(dense_classifier, coloured_photo):
    photo = coloured_photo({(32, 16, 64, 48): "red"})
    (one,) = photo_maps(photo, dense_classifier(["grey"], ["red"]).encoder.teacher)
    # 96 x 128 in tiles of 24 photo pixels, 16 map cells each: 4 x 6 tiles, the last column partly empty
    assert one.shape == (3, 64, 96)
    assert one[0, 64 * 32 // 96, 64 * 48 // 96] == 1.0
    assert one[1, 64 * 32 // 96, 64 * 48 // 96] == 0.0
    assert one[:, :, 87:].abs().max() == 0


def test_ridge_finds_a_linear_rule_and_ignores_dead_features():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn((4000, 4), generator=generator) * torch.tensor([1.0, 100.0, 0.0, 0.0])
    features[:, 3] = 1
    targets = 2 * features[:, 0] - 0.03 * features[:, 1] + 0.5
    parts = [
        RidgeSums.of(features[rows], targets[rows], torch.ones(1000))
        for rows in torch.arange(4000).split(1000)
    ]
    weights = (parts[0] + parts[1] + parts[2] + parts[3]).solve()
    assert weights.tolist() == pytest.approx([2, -0.03, 0, 0.5], rel=0.02, abs=1e-3)


def test_a_box_holds_an_object_from_half_overlap_on():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 20], [0, 0, 10, 21], [50, 50, 60, 60]])
    assert object_targets(boxes, boxes[:1]).tolist() == [1, 1, 0, 0]
    assert object_targets(boxes, NONE).tolist() == [0, 0, 0, 0]


def test_a_row_of_weight_two_counts_as_two_rows():
    features, targets = torch.tensor([[0.0, 1], [1, 1], [3, 1]]), torch.tensor([0.0, 1, 0])
    twice = RidgeSums.of(features[[0, 1, 1, 2]], targets[[0, 1, 1, 2]], torch.ones(4)).solve()
    assert torch.equal(RidgeSums.of(features, targets, torch.tensor([1.0, 2, 1])).solve(), twice)


def test_objects_count_the_same_however_many_boxes_hold_them():
    large, small = torch.tensor([[0.0, 0, 100, 100]]), torch.tensor([[200.0, 0, 210, 10]])
    boxes = torch.cat([large, large + 1, large + 2, large + 3, small, small + 500])
    weights = box_weights(boxes, torch.cat([large, small]))
    assert weights.tolist() == pytest.approx([OBJECT_WEIGHT / 4] * 4 + [OBJECT_WEIGHT, EMPTY_STEP])


def test_of_boxes_that_hold_nothing_some_stand_for_all():
    boxes = torch.tensor([[0.0, 0, 10, 10]]).repeat(8 * EMPTY_STEP, 1)
    assert box_weights(boxes, NONE).tolist() == ([EMPTY_STEP] + [0] * (EMPTY_STEP - 1)) * 8


@pytest.mark.parametrize("at_once", [1, 256])
def test_a_box_that_holds_two_objects_takes_the_larger_share(monkeypatch, at_once):
    monkeypatch.setattr("ezsd.mining.cascade.OBJECTS_AT_ONCE", at_once)
    box = torch.tensor([[0.0, 0, 10, 10]])
    objects = torch.cat([box, box + torch.tensor([0.0, 0, 0, 2])])
    beside = torch.tensor([[0.0, -9, 10, 10]])  # holds the first alone
    assert box_weights(torch.cat([box, beside]), objects).tolist() == [OBJECT_WEIGHT, OBJECT_WEIGHT / 2]


def test_a_guess_does_not_depend_on_the_scale_of_a_photos_features():
    features = torch.rand((50, 7), generator=torch.Generator().manual_seed(0))
    seen = objectness_features(features)
    assert torch.allclose(seen, objectness_features(20 + 300 * features), atol=1e-3)
    assert torch.allclose(seen[:, :7].mean(dim=0), torch.zeros(7), atol=1e-5)
    assert (seen[:, -1] == 1).all()


def test_features_of_a_single_box_are_finite():
    assert objectness_features(torch.rand(1, 7)).isfinite().all()


def fitted(dense_classifier, photos):
    """Objectness learned from photos with one base object each."""
    teacher = dense_classifier(["green", "yellow", "violet"], ["red"]).encoder.teacher
    sums = [objectness_sums(photo, torch.tensor([box]), teacher, GRID) for photo, box in photos]
    return sum(sums[1:], sums[0]).solve()


@pytest.fixture
def weights(dense_classifier, coloured_photo):
    places = [(8, 8, "green"), (40, 24, "yellow"), (72, 56, "violet"), (24, 56, "yellow"), (88, 8, "violet")]
    photos = [
        (coloured_photo({(x, y, x + 32, y + 32): name}), (float(x), float(y), x + 32.0, y + 32.0))
        for x, y, name in places
    ]
    return fitted(dense_classifier, photos)


def test_a_novel_object_is_found_with_few_forwards(dense_classifier, coloured_photo, weights):
    classifier = dense_classifier(["green", "grey"], ["red", "blue"])
    red, green = (24, 24, 56, 56), (88, 40, 120, 72)
    photo = coloured_photo({red: "red", green: "green"})
    miner = CascadeMiner(weights, fraction=0.4)
    found = miner(photo, torch.tensor([green]).float(), classifier, GRID)
    assert max_iou_xyxy(torch.tensor([red]).float(), found.boxes_xyxy).item() > 0.9
    assert found.anchors == 6 * 8 * 2
    assert found.forwards <= round(0.4 * found.anchors)
    assert classifier.encoder.forwards == found.forwards - count_tiles((96, 128))


def test_filters_hold_as_in_exhaustive_mining(dense_classifier, coloured_photo, weights):
    classifier = dense_classifier(["green", "grey"], ["red", "blue"])
    base = torch.tensor([[88.0, 40, 120, 72]])
    photo = coloured_photo({(24, 24, 56, 56): "red", (88, 40, 120, 72): "green", (60, 0, 90, 30): "blue"})
    found = CascadeMiner(weights, 1.0)(photo, base, classifier, replace(GRID, keep=3))
    assert 0 < len(found) <= 3
    assert (max_iou_xyxy(found.boxes_xyxy, base) < 0.3).all()
    assert (found.labels >= 2).all()
    assert (found.scores.diff() <= 0).all() and found.scores.max() <= math.log(4) + 1e-5


def test_base_names_alone_keep_their_proposals(dense_classifier, coloured_photo, weights):
    classifier = dense_classifier(["green", "grey"], [])
    assert len(CascadeMiner(weights, 0.5)(coloured_photo({}), NONE, classifier, GRID))


def test_a_photo_that_base_boxes_fill_has_no_proposals(dense_classifier, coloured_photo, weights):
    classifier = dense_classifier(["grey"], ["red"])
    config = replace(GRID, base_iou=0.0)
    found = CascadeMiner(weights, 0.5)(
        coloured_photo({}), torch.tensor([[0.0, 0, 128, 96]]), classifier, config
    )
    assert len(found) == 0 and found.boxes_xyxy.shape == (0, 4)


def test_a_teacher_without_dense_maps_is_refused(colour_classifier):
    with pytest.raises(InputError, match="mine exhaustively"):
        require_dense(colour_classifier(["grey"], ["red"]).encoder.teacher)
