"""Finds and loads the pretrained weights of a backbone that the params name."""

import os
import pickle
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from ezsd.cache.atomic import sha256_file
from ezsd.detector.config import WORLD, WORLD_CARD, BackboneConfig
from ezsd.errors import InputError
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.models import BUNDLED, RANDOM, TAG
from ezsd.pipeline.params import MineRpnParams, TrainParams

if TYPE_CHECKING:
    from torch import Tensor

    from ezsd.detector.backbone import PyramidBackbone

WORLD_WEIGHTS = "world-backbone.safetensors"


def train_backbone(params: TrainParams, root: Path) -> "BackboneSource":
    """Pretrained weights of the detector's backbone; relative paths start at `root`."""
    return BackboneSource(params.detector.backbone, params.backbone_weights, root, "train.backbone_weights")


def rpn_backbone(params: MineRpnParams, root: Path) -> "BackboneSource":
    """Pretrained weights of the backbone of the miner `rpn`; relative paths start at `root`."""
    return BackboneSource(params.backbone, params.backbone_weights, root, "mine.rpn.backbone_weights")


@dataclass(frozen=True)
class BackboneSource:
    """A backbone's pretrained weights.

    Attributes:
        config: the backbone's architecture.
        weights: `bundled`, `random`, `tag:TAG` of the library, or a file.
        root: folder that relative paths start from.
        key: of the weights in the params, for messages: `train.backbone_weights`.
    """

    config: BackboneConfig
    weights: str
    root: Path
    key: str

    def digests(self) -> dict[str, Any]:
        """SHA-256 of the files of the architecture and the weights, where the params name files."""
        digests = {}
        if self.config.name == WORLD:
            digests["backbone_config"] = sha256_file(_asset(WORLD_CARD))
        if self.weights != RANDOM and not self.weights.startswith(TAG):
            digests["backbone"] = sha256_file(self._file())
        return digests

    def load_into(self, backbone: "PyramidBackbone") -> None:
        """Load the weights into the backbone's body, unless they are random.

        Raises InputError when the weights do not exist, or are of another architecture.
        """
        from ezsd.detector.backbone import load_body, published_tensors  # torch: digests need none

        if self.weights.startswith(TAG):
            with at_key(self.key):
                load_body(backbone, published_tensors(self.config, self.weights.removeprefix(TAG)))
        elif self.weights != RANDOM:
            load_body(backbone, self._read(self._file()))

    def require(self) -> None:
        """Ask for the weights, and fetch published ones. Raises InputError when they are not to be had."""
        if self.weights.startswith(TAG):
            from ezsd.detector.backbone import published_tensors  # torch: files need none

            with at_key(self.key):
                published_tensors(self.config, self.weights.removeprefix(TAG))
        elif self.weights != RANDOM:
            self._file()

    def _file(self) -> Path:
        if self.weights == BUNDLED and self.config.name != WORLD:
            raise InputError(f"{self.key} bundled belong to {WORLD}, not {self.config.name}")
        path = _asset(WORLD_WEIGHTS) if self.weights == BUNDLED else self.root / self.weights
        if not os.path.isfile(path):
            raise InputError(
                f"{self.key} {path} is not a file: give bundled, random, tag:NAME or the path of a file"
            )
        return path

    def _read(self, path: Path) -> "dict[str, Tensor]":
        """Read safetensors, or a state dict in torch's format with nothing but tensors."""
        import torch
        from safetensors.torch import load_file

        try:
            if path.suffix == ".safetensors":
                return load_file(path)
            return dict(torch.load(path, map_location="cpu", weights_only=True))
        except (
            SafetensorError,
            pickle.UnpicklingError,
            RuntimeError,
            EOFError,
            ValueError,
            TypeError,
        ) as error:
            raise InputError(f"{self.key} {path} holds no state dict: give another file") from error


def _asset(name: str) -> Path:
    return Path(str(resources.files("ezsd") / "assets" / name))
