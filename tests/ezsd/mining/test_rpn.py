"""The baseline's network learns boxes from boxes, and its miner takes them as they come."""

from functools import partial

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from ezsd.boxes import iou_xyxy
from ezsd.errors import InputError
from ezsd.mining.config import RegionProposerConfig
from ezsd.mining.rpn import RegionProposer, RpnMiner
from ezsd.training.config import ExampleConfig, StepConfig
from ezsd.training.engine import restore_training, train_steps, training_tensors
from ezsd.training.schedule import Schedule, make_optimizer
from ezsd.training.targets import CachedTargets, draw_example

RED, GREEN = (8, 8, 40, 40), (72, 40, 112, 80)
NONE = torch.empty((0, 4))
STEPS = 24


@pytest.fixture
def network(tiny):
    config = tiny.config(frozen_stages=0)
    torch.manual_seed(0)
    return RegionProposer(
        RegionProposerConfig(
            **vars(config.rpn),
            backbone=config.backbone,
            pyramid_channels=config.pyramid_channels,
            short_side=64,
            long_side=96,
        )
    )


def batches_of(photo, boxes_xyxy, first=0):
    targets, settings = (
        CachedTargets.of_boxes(boxes_xyxy),
        ExampleConfig(proposals_per_image=0, short_sides=(64,)),
    )
    return [[draw_example(photo, targets, settings, seed=step)] for step in range(first, STEPS)]


class FixedNetwork(nn.Module):
    """Proposes fixed boxes."""

    def __init__(self, boxes, scores):
        super().__init__()
        self.boxes, self.scores = nn.Parameter(tensor(boxes)), tensor(scores)

    def propose(self, photo):
        return self.boxes.detach(), self.scores, 900


def test_the_miner_keeps_the_best_after_nms_and_filters_nothing(
    colour_classifier, coloured_photo, small_grid
):
    photo, classifier = coloured_photo({RED: "red", GREEN: "green"}), colour_classifier(["red"], ["green"])
    boxes = [[72.0, 40, 112, 80], [8, 8, 40, 40], [9, 8, 41, 40], [0, 60, 30, 96], [60, 0, 90, 20]]
    network = FixedNetwork(boxes, [0.5, 0.75, 0.625, 0.25, 0.125])
    found = RpnMiner(network)(photo, tensor([[8.0, 8, 40, 40]]), classifier, small_grid)
    assert_close(found.boxes_xyxy, tensor([boxes[1], boxes[0], boxes[3], boxes[4]]))
    assert found.scores.tolist() == [0.75, 0.5, 0.25, 0.125]
    assert found.labels[:2].tolist() == [0, 1]  # a base name, on a base box
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()
    assert (found.anchors, found.forwards, classifier.encoder.forwards) == (900, 4, 4)


def test_no_more_than_asked_for_and_nothing_from_nothing(colour_classifier, coloured_photo, small_grid):
    photo, classifier = coloured_photo({RED: "red"}), colour_classifier(["red"], ["green"])
    config = small_grid.__class__(**{**small_grid.__dict__, "keep": 1})
    network = FixedNetwork([[72.0, 40, 112, 80], [8, 8, 40, 40]], [0.5, 0.75])
    assert RpnMiner(network)(photo, NONE, classifier, config).scores.tolist() == [0.75]
    empty = RpnMiner(FixedNetwork([[0.0] * 4], [0.0]))
    empty.network.propose = lambda photo: (NONE, torch.empty(0), 900)
    assert len(empty(photo, NONE, classifier, config)) == 0


@pytest.mark.parametrize(("height", "width"), [(48, 64), (200, 70), (33, 33), (20, 300)])
def test_boxes_lie_inside_photos_of_any_shape(network, random_photo, height, width):
    boxes_xyxy, scores, _ = network.eval().propose(random_photo(height, width))
    assert len(boxes_xyxy) and boxes_xyxy.shape == (len(scores), 4)
    assert (boxes_xyxy >= 0).all() and (boxes_xyxy <= tensor([width, height, width, height])).all()
    assert ((scores > 0) & (scores < 1)).all()


def test_every_place_of_every_level_has_its_anchors(network, random_photo):
    """64 x 96 px at strides 8, 16, 32 and 64: three anchors for each of 96 + 24 + 6 + 2 cells."""
    assert network.eval().propose(random_photo(64, 96))[2] == 3 * (8 * 12 + 4 * 6 + 2 * 3 + 1 * 2)


def train(network, batches, schedule, first=0, state=None):
    optimizer = make_optimizer(network, StepConfig())
    reports = restore_training(network, optimizer, state) if state else []
    reports += train_steps(network, optimizer, batches, schedule, StepConfig(), first)
    state = {name: value.clone() for name, value in training_tensors(network, optimizer, reports).items()}
    return state, [sum(one.losses.values()) for one in reports]


def test_it_learns_where_things_are(network, coloured_photo):
    photo, objects = coloured_photo({RED: "red", GREEN: "green"}), tensor([RED, GREEN]).float()
    _, losses = train(network, batches_of(photo, objects), Schedule(STEPS, 0.05, 4, ()))
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])
    boxes_xyxy, _, _ = network.eval().propose(photo)
    assert (iou_xyxy(objects, boxes_xyxy[:10]).amax(dim=1) > 0.5).all()


def test_a_resumed_training_takes_the_same_steps(network, coloured_photo):
    photo, objects = coloured_photo({RED: "red"}), tensor([RED]).float()
    batches, schedule = batches_of(photo, objects), partial(Schedule, learning_rate=0.02, warmup_steps=4)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    whole, _ = train(network, batches, schedule(10, decay_steps=(8,)))
    network.load_state_dict(start)
    half, _ = train(network, batches, schedule(6, decay_steps=(8,)))
    network.load_state_dict(start)
    resumed, _ = train(network, batches[6:], schedule(10, decay_steps=(8,)), 6, half)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_a_loss_that_is_not_finite_is_named(network, coloured_photo):
    nn.init.constant_(network.rpn.head.cls_logits.bias, float("nan"))
    batches = batches_of(coloured_photo({RED: "red"}), tensor([RED]).float())
    with pytest.raises(InputError, match=r"not finite at step 0 \(loss_objectness nan"):
        train(network, batches, Schedule(STEPS, 0.02, 0, ()))
