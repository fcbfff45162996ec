"""The artifact of `train` on disk: what `evaluate`, `report` and `predict` read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.detector.checkpoint import detector_tensors, restore_detector
from ezsd.detector.detector import ZeroShotDetector
from ezsd.errors import InputError
from ezsd.split import Split

WEIGHTS = "detector.safetensors"
CARD = "detector.json"
HISTORY = "history.csv"

_MEND = "run `ezsd-cli train --force`"


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
        card = json.loads((folder / CARD).read_bytes())
        split = Split.from_dict(card["split"])
        detector = restore_detector(card["config"], read_tensors(folder / WEIGHTS))
        return TrainedDetector(detector, split, card["protocol"], card["teacher"], card["parents"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error) if isinstance(error, InputError) else "it is missing or damaged"
        raise ArtifactError(f"the detector in {folder} cannot be read: {reason}; {_MEND}") from error


def finds_masks(folder: Path) -> bool:
    """Whether the detector has a mask head, by its card alone. Raises ArtifactError as `read_detector`."""
    try:
        return json.loads((folder / CARD).read_bytes())["config"].get("mask_head") is not None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{folder / CARD} is missing or damaged; {_MEND}") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all; the same tensors give the same bytes."""
    write_bytes_atomic(path, save(dict(tensors)))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read what `write_tensors` wrote. Raises ArtifactError when it is missing or damaged."""
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} is missing or damaged: {_MEND}") from error
