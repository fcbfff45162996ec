"""Any torchvision or timm network with a feature pyramid (arXiv 1612.03144) on named modules."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from importlib import resources
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import timm
import torch
import torchvision
from timm.layers.norm_act import freeze_batch_norm_2d
from timm.models import create_feature_extractor
from torch import Tensor, nn
from torch.fx import GraphModule
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from ezsd.detector.config import WORLD, WORLD_CARD, BackboneConfig, Normalization
from ezsd.detector.normalization import NORMALIZATIONS
from ezsd.errors import InputError
from ezsd.network import impatient

_TIMM = "timm/"
_OUTSIDE = ("pretrained", "weights", "checkpoint", "cache")
"""Prefixes of options that load files or use the network."""
_PROBE_SIDE = 128
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class BackboneModel(NamedTuple):
    """The model behind a backbone's name.

    Attributes:
        library: that has the model.
        name: of the model in the library.
        options: keyword arguments of its constructor.
        mean: of each channel of its RGB input, on the scale 0..1.
        std: as `mean`.
    """

    library: Literal["torchvision", "timm"]
    name: str
    options: dict[str, Any]
    mean: tuple[float, ...] = _IMAGENET_MEAN
    std: tuple[float, ...] = _IMAGENET_STD


class PyramidBackbone(nn.Module):
    """Pixels to a pyramid of maps "0", "1", ..., "pool", fine to coarse, all with `out_channels` channels.

    `strides` are those of the taps, in pixels, fine to coarse; `mean` and `std` are those of its RGB input in
    range 0..1, per channel; `frozen` names the body's parameters that never change.
    Batch norm keeps the statistics it was pretrained with: a detector's batches are too small for their own.
    Its scale and shift are trained like other weights, or frozen.
    """

    def __init__(
        self, config: BackboneConfig, out_channels: int, normalization: Normalization = "none"
    ) -> None:
        """Random weights, the pyramid with normalization. Raises InputError for no such model or tap."""
        super().__init__()
        model = find_model(config)
        self.mean, self.std = model.mean, model.std
        network = _create(model)
        if config.batch_norm == "frozen":
            network = freeze_batch_norm_2d(network)
        self.body = _tapped(network, config)
        channels, self.strides = _probe(self.body)
        self.fpn = FeaturePyramidNetwork(
            channels,
            out_channels,
            extra_blocks=LastLevelMaxPool(),
            norm_layer=NORMALIZATIONS[normalization],
        )
        self.out_channels = out_channels
        self.frozen = _frozen_names(self.body, config.frozen_stages)
        for name, parameter in self.body.named_parameters():
            parameter.requires_grad_(name not in self.frozen)

    def forward(self, pixels: Tensor) -> "OrderedDict[str, Tensor]":
        """From normalised float pixels `(N, 3, H, W)`, sides divisible by the last stride, to the maps."""
        taps = self.body(pixels)
        return self.fpn(OrderedDict((str(level), features) for level, features in enumerate(taps.values())))

    def train(self, mode: bool = True) -> "PyramidBackbone":
        """Set the mode of the pyramid; the body stays in evaluation mode, without dropout."""
        super().train(mode)
        self.body.eval()
        return self


def find_model(config: BackboneConfig) -> BackboneModel:
    """The model that the config names; `world` is pretrained on the embedded world's photos of base names."""
    if config.name == WORLD:
        card = json.loads(resources.files("ezsd").joinpath("assets", WORLD_CARD).read_bytes())
        options = {**card["kwargs"], **config.options}
        return BackboneModel("timm", card["timm_name"], options, tuple(card["mean"]), tuple(card["std"]))
    if config.name.startswith(_TIMM):
        return BackboneModel("timm", config.name.removeprefix(_TIMM), config.options)
    return BackboneModel("torchvision", config.name, config.options)


def published_tensors(config: BackboneConfig, tag: str) -> dict[str, Tensor]:
    """Weights that the model's library publishes, from its cache or downloaded.

    Raises:
        InputError: there is no such tag, or the download fails.
    """
    model = find_model(config)
    try:
        with impatient():
            return _fetch(model, tag)
    except (KeyError, ValueError) as error:
        raise InputError(f"no weights {tag!r} are published of backbone {config.name!r} ({error})") from error
    except (RuntimeError, OSError) as error:
        raise InputError(
            f"the weights {tag!r} of backbone {config.name!r} are not on this machine and cannot be fetched "
            f"({type(error).__name__}): fetch them once with network, or give the path of a weights file"
        ) from error


def _fetch(model: BackboneModel, tag: str) -> dict[str, Tensor]:
    if model.library == "torchvision":
        published = torchvision.models.get_model_weights(model.name)[tag]
        return dict(published.get_state_dict(progress=False, check_hash=True))
    return timm.create_model(f"{model.name}.{tag}", pretrained=True, **model.options).state_dict()


def load_body(backbone: PyramidBackbone, tensors: Mapping[str, Tensor]) -> None:
    """Load weights into the body; those beyond the last tap, such as a classifier's, are left out.

    Raises:
        InputError: a weight is missing or has another shape: the file is of another architecture.
    """
    own = backbone.body.state_dict()
    # counts of batches, which many published weights lack, are used for statistics alone
    wanted = {name: tensor for name, tensor in own.items() if not name.endswith("num_batches_tracked")}
    for name, tensor in wanted.items():
        if name not in tensors:
            raise InputError(f"the backbone's weights lack {name!r}: they are of another architecture")
        if tensors[name].shape != tensor.shape:
            raise InputError(
                f"the backbone's weight {name!r} has shape {tuple(tensors[name].shape)}, expected "
                f"{tuple(tensor.shape)}: the weights are of another architecture"
            )
    backbone.body.load_state_dict({name: tensors[name] for name in wanted})


def _create(model: BackboneModel) -> nn.Module:
    """Build the network with random weights; never reads a file or downloads anything."""
    if not _is_known(model):
        raise InputError(
            f"{model.library} cannot make a backbone {model.name!r}: it has no such model; names of a hub or "
            "a folder are not read"
        )
    if outside := sorted(name for name in model.options if name.startswith(_OUTSIDE)):
        raise InputError(
            f"option {outside[0]!r} of backbone {model.name!r} leads to weights: name them as weights"
        )
    try:
        if model.library == "torchvision":
            network = torchvision.models.get_model(model.name, weights=None, **model.options)
        else:
            network = timm.create_model(model.name, pretrained=False, **model.options)
    except (ValueError, RuntimeError, TypeError) as error:
        raise InputError(f"{model.library} cannot make a backbone {model.name!r} ({error})") from error
    return network


def _is_known(model: BackboneModel) -> bool:
    if model.library == "timm":
        return bool(timm.is_model(model.name))
    return model.name in torchvision.models.list_models(torchvision.models)


def _tapped(model: nn.Module, config: BackboneConfig) -> GraphModule:
    try:
        return create_feature_extractor(model, {tap: tap for tap in config.taps})
    except ValueError as error:
        children = ", ".join(name for name, _ in model.named_children())
        raise InputError(
            f"backbone {config.name!r} cannot be tapped at {', '.join(config.taps)}: its parts are {children}"
        ) from error


def _probe(body: nn.Module) -> tuple[list[int], list[int]]:
    """Channels and stride of each tap; raises InputError unless each tap halves the last."""
    body.eval()
    with torch.no_grad():
        maps = list(body(torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE)).values())
    sides = [features.shape[-1] for features in maps]
    if any(fine != 2 * coarse for fine, coarse in pairwise(sides)):
        raise InputError(f"the taps have sides {sides} for {_PROBE_SIDE} px, but each must halve the last")
    return [features.shape[1] for features in maps], [_PROBE_SIDE // side for side in sides]


def _frozen_names(body: GraphModule, stages: int) -> frozenset[str]:
    """Names of the parameters up to the tap of the last frozen stage."""
    if stages == 0:
        return frozenset()
    outputs = next(node for node in body.graph.nodes if node.op == "output").args[0]
    last = list(outputs.values())[stages - 1]
    names: set[str] = set()
    for node in body.graph.nodes:
        if node.op == "call_module":
            module = body.get_submodule(node.target)
            names.update(f"{node.target}.{name}" for name, _ in module.named_parameters())
        elif node.op == "get_attr":
            names.add(str(node.target))
        if node is last:
            return frozenset(names)
    raise AssertionError("an output of the graph is not among its nodes")
