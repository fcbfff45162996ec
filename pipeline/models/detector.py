"""Which detector `params.train` means, on this machine; and the trained one, as it lies in its artifact."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.checked import read_json
from ezsd.cache.errors import ArtifactError
from ezsd.detector.detector import ZeroShotDetector, build_detector, detector_tensors, restore_detector
from ezsd.errors import InputError
from ezsd.pipeline.models.backbone import BackboneSource
from ezsd.pipeline.params import TrainParams
from ezsd.pipeline.tensor_files import read_tensors, write_tensors
from ezsd.split import Split
from ezsd.training.losses.classification import SeesawLoss, SoftmaxLoss

WEIGHTS = "detector.safetensors"
CARD = "detector.json"

FIX = "run `ezsd-cli train --force`"


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


@dataclass(frozen=True)
class TrainedDetector:
    """A detector that names `split.names`, and where it comes from.

    Attributes:
        protocol: of `Split.protocol`: what was known of novel names and objects before evaluation.
        teacher: which teacher, in plain values.
        parents: SHA-256 of the manifests that it was made from, by stage.
    """

    detector: ZeroShotDetector
    split: Split
    protocol: str
    teacher: Mapping[str, Any]
    parents: Mapping[str, str]


def write_detector(folder: Path, trained: TrainedDetector) -> None:
    """Write weights and card, each whole or not at all."""
    write_tensors(folder / WEIGHTS, detector_tensors(trained.detector))
    card = {
        "config": trained.detector.config.to_dict(),
        "split": trained.split.to_dict(),
        "protocol": trained.protocol,
        "teacher": dict(trained.teacher),
        "parents": dict(trained.parents),
    }
    write_json_atomic(folder / CARD, card)


def read_detector(folder: Path) -> TrainedDetector:
    """Read what `write_detector` wrote, in evaluation mode on the CPU; running none of what is stored.

    Raises ArtifactError when a file is missing, damaged or of another version.
    """
    try:
        card = read_json(folder / CARD, FIX)
        split = Split.from_dict(card["split"])
        detector = restore_detector(card["config"], read_tensors(folder / WEIGHTS, FIX))
        return TrainedDetector(detector, split, card["protocol"], card["teacher"], card["parents"])
    except (ValueError, KeyError, TypeError) as error:
        reason = str(error) if isinstance(error, InputError) else "it is missing or damaged"
        raise ArtifactError(f"the detector in {folder} cannot be read: {reason}; {FIX}") from error


def finds_masks(folder: Path) -> bool:
    """Whether the detector has a mask head, by its card alone. Raises ArtifactError as `read_detector`."""
    try:
        return read_json(folder / CARD, FIX)["config"].get("mask_head") is not None
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{folder / CARD} is no card of a detector; {FIX}") from error
