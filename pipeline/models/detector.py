"""Which detector `params.train` means, on this machine."""

from pathlib import Path

import torch
from torch import nn

from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.pipeline.models.backbone import BackboneSource
from ezsd.pipeline.params import TrainParams
from ezsd.training.losses.classification import SeesawLoss, SoftmaxLoss


def train_backbone(params: TrainParams, root: Path) -> BackboneSource:
    """The detector's backbone before its first step; relative paths start at `root`."""
    return BackboneSource(params.detector.backbone, params.backbone_weights, root, "train.backbone_weights")


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
    detector = build_detector(params.detector, dim, losses[params.classification_loss])
    train_backbone(params, root).load_into(detector.backbone)
    return detector
