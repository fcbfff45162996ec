"""Which detector `params.train` means, on this machine."""

import pickle
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cache.atomic import sha256_file
from ezsd.detector.backbone import WORLD_WEIGHTS, load_body, published_tensors, world_backbone
from ezsd.detector.config import (
    BackboneConfig,
    DetectorConfig,
    HeadConfig,
    MaskHeadConfig,
    ProposalConfig,
)
from ezsd.detector.detector import ZeroShotDetector, build_detector
from ezsd.errors import InputError
from ezsd.losses.classification import SeesawLoss, SoftmaxLoss
from pipeline.params import BackboneParams, TrainParams

WORLD = "world"
BUNDLED, RANDOM, TAG, TIMM = "bundled", "random", "tag:", "timm/"


def make_detector(params: TrainParams, root: Path, base_names: int, dim: int) -> ZeroShotDetector:
    """The detector before its first step: random heads from the params' seed, a pretrained backbone.

    Args:
        root: where relative paths start.
        base_names: number of names that it is trained on.
        dim: D, the teacher's.

    Raises:
        InputError: no such model or weights.
    """
    torch.manual_seed(params.seed)
    losses: dict[str, nn.Module] = {"softmax": SoftmaxLoss(), "seesaw": SeesawLoss(base_names)}
    config = detector_config(params, dim)
    detector = build_detector(config, losses[params.classification_loss])
    if params.backbone.weights != RANDOM:
        load_body(detector.backbone, _backbone_tensors(params.backbone, config.backbone, root))
    return detector


def detector_config(params: TrainParams, dim: int) -> DetectorConfig:
    """The detector that the params describe; `dim` is the teacher's D."""
    return DetectorConfig(
        backbone=_backbone_config(params.backbone),
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


def backbone_digest(params: BackboneParams, root: Path) -> dict[str, Any]:
    """SHA-256 of the file of the backbone's weights; none for those that the params themselves name."""
    if params.weights == RANDOM or params.weights.startswith(TAG):
        return {}
    return {"backbone": sha256_file(_weights_file(params, root))}


def _backbone_config(params: BackboneParams) -> BackboneConfig:
    if params.name == WORLD:
        return world_backbone(params.taps, params.frozen_stages)
    if params.name.startswith(TIMM):
        return BackboneConfig("timm", params.name.removeprefix(TIMM), {}, params.taps, params.frozen_stages)
    return BackboneConfig("torchvision", params.name, {}, params.taps, params.frozen_stages)


def _backbone_tensors(params: BackboneParams, config: BackboneConfig, root: Path) -> dict[str, Tensor]:
    if params.weights.startswith(TAG):
        return published_tensors(config, params.weights.removeprefix(TAG))
    return _read_weights(_weights_file(params, root))


def _weights_file(params: BackboneParams, root: Path) -> Path:
    if params.weights == BUNDLED and params.name != WORLD:
        raise InputError(f"train.backbone.weights bundled belong to {WORLD}, not {params.name}")
    bundled = Path(str(resources.files("ezsd") / "assets" / WORLD_WEIGHTS))
    path = bundled if params.weights == BUNDLED else root / params.weights
    if not path.is_file():
        raise InputError(
            f"train.backbone.weights {path} is no file: give bundled, random, tag:NAME or the path of a file"
        )
    return path


def _read_weights(path: Path) -> dict[str, Tensor]:
    """safetensors, or a state dict of torch's own format that holds nothing but tensors."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError) as error:
        raise InputError(f"train.backbone.weights {path} holds no state dict: give another file") from error
