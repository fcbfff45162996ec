"""Which backbone a section of the params means, on this machine."""

import pickle
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ezsd.cache.atomic import sha256_file
from ezsd.detector.backbone import (
    WORLD_WEIGHTS,
    PyramidBackbone,
    load_body,
    published_tensors,
    world_backbone,
)
from ezsd.detector.config import BackboneConfig
from ezsd.errors import InputError
from ezsd.pipeline.outside import BUNDLED, RANDOM, TAG
from ezsd.pipeline.params import BackboneParams

WORLD = "world"
TIMM = "timm/"


def backbone_config(params: BackboneParams) -> BackboneConfig:
    """The network that the params name, without weights."""
    if params.name == WORLD:
        return world_backbone(params.taps, params.frozen_stages)
    if params.name.startswith(TIMM):
        return BackboneConfig("timm", params.name.removeprefix(TIMM), {}, params.taps, params.frozen_stages)
    return BackboneConfig("torchvision", params.name, {}, params.taps, params.frozen_stages)


@dataclass(frozen=True)
class BackboneSource:
    """A backbone's pretrained weights.

    Args:
        root: where relative paths start.
        key: of the params, for messages: `train.backbone`.
    """

    params: BackboneParams
    root: Path
    key: str

    def digest(self) -> dict[str, Any]:
        """SHA-256 of the file of the weights; none for those that the params themselves name."""
        if self.params.weights == RANDOM or self.params.weights.startswith(TAG):
            return {}
        return {"backbone": sha256_file(self._file())}

    def load_into(self, backbone: PyramidBackbone) -> None:
        """Fills the backbone's body, unless its weights are to be random.

        Raises InputError when there are no such weights, or they are of another architecture.
        """
        weights = self.params.weights
        if weights.startswith(TAG):
            load_body(backbone, published_tensors(backbone_config(self.params), weights.removeprefix(TAG)))
        elif weights != RANDOM:
            load_body(backbone, self._read(self._file()))

    def _file(self) -> Path:
        if self.params.weights == BUNDLED and self.params.name != WORLD:
            raise InputError(f"{self.key}.weights bundled belong to {WORLD}, not {self.params.name}")
        bundled = Path(str(resources.files("ezsd") / "assets" / WORLD_WEIGHTS))
        path = bundled if self.params.weights == BUNDLED else self.root / self.params.weights
        if not path.is_file():
            raise InputError(
                f"{self.key}.weights {path} is no file: give bundled, random, tag:NAME or the path of a file"
            )
        return path

    def _read(self, path: Path) -> dict[str, Tensor]:
        """safetensors, or a state dict of torch's own format that holds nothing but tensors."""
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
            raise InputError(f"{self.key}.weights {path} holds no state dict: give another file") from error
