"""The class-agnostic region proposal network (Faster R-CNN, arXiv 1506.01497), as torchvision has it."""

from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from ezsd.detector.config import ProposalConfig
from ezsd.detector.sampling import SeededSampler
from ezsd.errors import InputError

OBJECT_IOU, BACKGROUND_IOU = 0.7, 0.3
OBJECT_FRACTION = 0.5
CANDIDATES_A_LEVEL = 2
"""How many times as many boxes as are kept go from each level into non-maximum suppression."""


class ExactRPNHead(RPNHead):
    """torchvision's, with float32 outputs: in bfloat16 a box a thousand pixels off would move by eights."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Maps of all levels -> objectness and deltas of all levels."""
        objectness, deltas = super().forward(x)
        return [level.float() for level in objectness], [level.float() for level in deltas]


def build_proposal_network(config: ProposalConfig, channels: int, levels: int) -> RegionProposalNetwork:
    """Random weights. Raises InputError unless there is one anchor side a pyramid level."""
    if len(config.anchor_sides) != levels:
        raise InputError(f"{levels} pyramid levels need as many anchor sides, got {len(config.anchor_sides)}")
    sizes = tuple((side,) for side in config.anchor_sides)
    anchors = AnchorGenerator(sizes, (config.anchor_ratios,) * levels)
    network = RegionProposalNetwork(
        anchors,
        ExactRPNHead(channels, len(config.anchor_ratios)),
        fg_iou_thresh=OBJECT_IOU,
        bg_iou_thresh=BACKGROUND_IOU,
        batch_size_per_image=config.anchors_sampled,
        positive_fraction=OBJECT_FRACTION,
        pre_nms_top_n=_per_mode(config, CANDIDATES_A_LEVEL),
        post_nms_top_n=_per_mode(config, 1),
        nms_thresh=config.nms_iou,
    )
    network.fg_bg_sampler = SeededSampler(config.anchors_sampled, OBJECT_FRACTION)
    return network


def _per_mode(config: ProposalConfig, times: int) -> dict[str, int]:
    return {"training": times * config.best_train, "testing": times * config.best_test}
