"""The class-agnostic region proposal network (Faster R-CNN, arXiv 1506.01497), as torchvision has it."""

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from ezsd.boxes import max_iou_xyxy
from ezsd.detector.config import RpnConfig
from ezsd.detector.sampling import SeededSampler

OBJECT_IOU, BACKGROUND_IOU = 0.7, 0.3
OBJECT_FRACTION = 0.5
MODES = ("training", "testing")
CANDIDATES_A_LEVEL = 2
"""Boxes of a level that enter non-maximum suppression / boxes that are kept."""


class ExactRPNHead(RPNHead):
    """torchvision's, with float32 outputs: bfloat16 rounds coordinates near 1000 to multiples of 8."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """From maps of all levels to objectness and deltas of all levels."""
        objectness, deltas = super().forward(x)
        return [level.float() for level in objectness], [level.float() for level in deltas]


class ProposalNetwork(RegionProposalNetwork):
    """torchvision's; anchors on boxes with the label `IGNORED` are neither objects nor background."""

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Labels `(A,)`, 1 object, 0 background, -1 neither, and matched boxes `(A, 4)` of each image."""
        ignored = [target["labels"] < 0 for target in targets]
        objects = [
            {**target, "boxes": target["boxes"][~own]} for target, own in zip(targets, ignored, strict=True)
        ]
        labels, boxes = super().assign_targets_to_anchors(anchors, objects)
        return [
            _without_background(label, of_image, target["boxes"][own])
            for label, of_image, target, own in zip(labels, anchors, targets, ignored, strict=True)
        ], boxes


def _without_background(labels: Tensor, anchors: Tensor, ignored_xyxy: Tensor) -> Tensor:
    """Labels of anchors where none that overlaps an ignored box is background."""
    near = max_iou_xyxy(anchors, ignored_xyxy) >= BACKGROUND_IOU
    return torch.where(near & (labels == 0), -1.0, labels)


def build_proposal_network(config: RpnConfig, channels: int) -> ProposalNetwork:
    """Build it with random weights, for one pyramid level of `channels` channels per anchor side."""
    sizes = tuple((side,) for side in config.anchor_sides)
    anchors = AnchorGenerator(sizes, (config.anchor_ratios,) * len(sizes))
    network = ProposalNetwork(
        anchors,
        ExactRPNHead(channels, len(config.anchor_ratios)),
        fg_iou_thresh=OBJECT_IOU,
        bg_iou_thresh=BACKGROUND_IOU,
        batch_size_per_image=config.anchors_per_image,
        positive_fraction=OBJECT_FRACTION,
        pre_nms_top_n=dict.fromkeys(MODES, CANDIDATES_A_LEVEL * config.post_nms_top_n),
        post_nms_top_n=dict.fromkeys(MODES, config.post_nms_top_n),
        nms_thresh=config.nms_iou,
    )
    network.fg_bg_sampler = SeededSampler(config.anchors_per_image, OBJECT_FRACTION)
    return network
