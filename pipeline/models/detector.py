"""Builds the detector of `params.train`, and reads and writes the trained one in its artifact."""

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
from ezsd.pipeline.models.backbone import train_backbone
from ezsd.pipeline.params import TrainParams
from ezsd.pipeline.tensor_files import read_tensors, write_tensors
from ezsd.split import Split
from ezsd.training.losses.classification import SeesawLoss, SoftmaxLoss

WEIGHTS = "detector.safetensors"
CARD = "detector.json"

FIX = "run `ezsd-cli train --force`"


def make_detector(params: TrainParams, root: Path, trained_names: int, dim: int) -> ZeroShotDetector:
    """Build the untrained detector: random heads from the params' seed, a pretrained backbone.

    Args:
        params: section `train`.
        root: folder that relative paths start from.
        trained_names: number of names that it is trained on.
        dim: D, the teacher's.

    Raises:
        InputError: the model or the weights do not exist.
    """
    torch.manual_seed(params.seed)
    losses: dict[str, nn.Module] = {"softmax": SoftmaxLoss(), "seesaw": SeesawLoss(trained_names)}
    detector = build_detector(params.detector, dim, losses[params.classification_loss])
    train_backbone(params, root).load_into(detector.backbone)
    return detector


@dataclass(frozen=True)
class TrainedDetector:
    """A detector of `split.names`, and its origin.

    Attributes:
        detector: the model.
        split: its names.
        protocol: of `Split.protocol`: what was known of novel names and objects before evaluation.
        teacher: the teacher's params and digests, in plain values.
        parents: SHA-256 of the manifests of its parents, by stage.
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
    """Read a folder of `write_detector`, in evaluation mode on the CPU; no stored code is run.

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


def read_protocol(folder: Path) -> str:
    """The protocol of the detector in a folder; reads its card only. Raises as `read_detector`."""
    try:
        return str(read_json(folder / CARD, FIX)["protocol"])
    except (KeyError, TypeError) as error:
        raise ArtifactError(f"{folder / CARD} is not the card of a detector; {FIX}") from error


def finds_masks(folder: Path) -> bool:
    """Whether the detector has a mask head; reads its card only. Raises as `read_detector`."""
    try:
        return read_json(folder / CARD, FIX)["config"].get("mask_head") is not None
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{folder / CARD} is not the card of a detector; {FIX}") from error
