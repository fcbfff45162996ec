import torch

from ezsd.detector.config import RpnConfig
from ezsd.detector.rpn import build_proposal_network
from ezsd.detector.sampling import IGNORED

ANCHORS = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [50, 0, 60, 10], [20, 0, 30, 2]])


def test_anchors_on_ignored_boxes_are_neither_objects_nor_background() -> None:
    network = build_proposal_network(RpnConfig(), 8)
    target = {
        "boxes": torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]),
        "labels": torch.tensor([1, IGNORED]),
    }
    (labels,), (boxes,) = network.assign_targets_to_anchors([ANCHORS], [target])
    # the last overlaps the ignored box by 0.2 only
    assert labels.tolist() == [1, -1, 0, 0]
    assert boxes[0].tolist() == [0, 0, 10, 10]


def test_a_photo_with_ignored_boxes_alone_has_background_elsewhere() -> None:
    network = build_proposal_network(RpnConfig(), 8)
    target = {"boxes": torch.tensor([[20.0, 0, 30, 10]]), "labels": torch.tensor([IGNORED])}
    (labels,), _ = network.assign_targets_to_anchors([ANCHORS], [target])
    assert labels.tolist() == [0, -1, 0, 0]
