"""Which detector `params.train` means, on this machine."""

from pathlib import Path

import torch
from torch import nn

from ezsd.detector.config import DetectorConfig, HeadConfig, MaskHeadConfig, ProposalConfig
from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.pipeline.models.backbone import BackboneSource, backbone_config
from ezsd.pipeline.params import TrainParams
from ezsd.training.losses.classification import SeesawLoss, SoftmaxLoss


def train_backbone(params: TrainParams, root: Path) -> BackboneSource:
    """The detector's backbone before its first step; relative paths start at `root`."""
    return BackboneSource(params.backbone, root, "train.backbone")


def make_detector(params: TrainParams, root: Path, trained_names: int, dim: int) -> ZeroShotDetector:
    """The detector before its first step: random heads from the params' seed, a pretrained backbone.

    Args:
        root: where relative paths start.
        trained_names: number of names that it is trained on.
        dim: D, the teacher's.

    Raises:
        InputError: no such model or weights.
    """
    torch.manual_seed(params.seed)
    losses: dict[str, nn.Module] = {"softmax": SoftmaxLoss(), "seesaw": SeesawLoss(trained_names)}
    config = detector_config(params, dim)
    detector = build_detector(config, losses[params.classification_loss])
    train_backbone(params, root).load_into(detector.backbone)
    return detector


def detector_config(params: TrainParams, dim: int) -> DetectorConfig:
    """The detector that the params describe; `dim` is the teacher's D."""
    return DetectorConfig(
        backbone=backbone_config(params.backbone),
        pyramid_channels=params.fpn_channels,
        proposals=ProposalConfig(
            anchor_sides=params.anchor_sides,
            anchors_sampled=params.anchors_per_image,
            best_train=params.regions_per_image,
            best_test=params.regions_per_image,
        ),
        head=HeadConfig(
            channels=params.head_channels,
            width=params.head_width,
            regressor=params.regressor,
            roi_samples=params.roi_samples,
            rois_sampled=params.rois_per_image,
        ),
        embedding_dim=dim,
        short_side=max(params.short_sides),
        long_side=params.long_side,
        masks=MaskHeadConfig(**params.mask_head.model_dump()) if params.mask_head else None,
    )
