"""Finds the norm layers of a teacher by their type; reads and sets their gammas and betas.

Their names differ between architectures (`ln_1`, `norm2`, `bn3`, `ln_pre`); their types do not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from timm.layers import norm as timm_norm
from timm.layers import norm_act as timm_norm_act
from torch import Tensor, nn

from ezsd.errors import InputError
from ezsd.renorm.config import Towers
from ezsd.teacher.protocol import Teacher

_BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)
_CHANNELS_FIRST_NORMS = (
    nn.GroupNorm,
    timm_norm.LayerNorm2d,
    timm_norm.LayerNorm2dFp32,
    timm_norm_act.LayerNormAct2d,
    timm_norm.RmsNorm2d,
    timm_norm.RmsNorm2dFp32,
)
_CHANNELS_LAST_NORMS = (nn.LayerNorm, nn.RMSNorm, timm_norm.RmsNorm, timm_norm.RmsNormFp32)


@dataclass(frozen=True)
class NormLayer:
    """A norm layer with a gamma, and a beta if its type has one.

    Attributes:
        name: `image.` or `text.`, then the module's dotted name in its tower.
        module: the layer, which holds gamma as `weight` and beta as `bias`.
    """

    name: str
    module: nn.Module

    @property
    def is_batch_norm(self) -> bool:
        """Whether it normalises with running statistics of a data set, not with those of the sample."""
        return isinstance(self.module, _BATCH_NORMS)

    @property
    def gamma(self) -> Tensor:
        """Scale, `(C,)`."""
        return self.module.get_parameter("weight")

    @property
    def beta(self) -> Tensor | None:
        """Shift, `(C,)`; None for RMS norms."""
        return dict(self.module.named_parameters(recurse=False)).get("bias")

    def channel_rows(self, activation: Tensor) -> Tensor:
        """Reshape an input or output of the layer to rows of channels, `(rows, C)`."""
        if isinstance(self.module, _BATCH_NORMS + _CHANNELS_FIRST_NORMS):
            activation = activation.movedim(1, -1)
        return activation.reshape(-1, activation.shape[-1])


def find_norm_layers(teacher: Teacher, towers: Towers) -> list[NormLayer]:
    """Norm layers with trainable gammas of one tower or both, image tower first, in order of definition.

    Raises:
        InputError: there is none.
    """
    found: list[NormLayer] = []
    if towers in ("image", "both"):
        found += _norm_layers_of(teacher.image_tower, "image")
    if towers in ("text", "both"):
        found += _norm_layers_of(teacher.text_tower, "text")
    if not found:
        raise InputError(f"the teacher has no norm layer in its {towers} tower: it cannot be re-normalized")
    return found


def norm_parameters(layers: Iterable[NormLayer]) -> list[Tensor]:
    """All gammas and betas, layer by layer."""
    return [tensor for layer in layers for tensor in (layer.gamma, layer.beta) if tensor is not None]


def norm_state(layers: Iterable[NormLayer]) -> dict[str, Tensor]:
    """Copies of all that re-normalization changes: `<layer>.weight`, `.bias` and running statistics."""
    return {
        f"{layer.name}.{key}": value.detach().cpu().clone()
        for layer in layers
        for key, value in layer.module.state_dict().items()
        if key != "num_batches_tracked"
    }


@torch.no_grad()
def load_norm_state(teacher: Teacher, state: Mapping[str, Tensor]) -> None:
    """Set what `norm_state` returned; layers that are not in `state` keep their values.

    Raises:
        InputError: a tensor belongs to no norm layer of this teacher, or has another shape.
    """
    layers = {layer.name: layer for layer in find_norm_layers(teacher, "both")}
    for key, value in state.items():
        name, _, part = key.rpartition(".")
        own = layers[name].module.state_dict().get(part) if name in layers else None
        if own is None or own.shape != value.shape:
            raise InputError(
                f"re-normalization holds {key} of shape {tuple(value.shape)}, which the teacher lacks: "
                "it was made from another teacher, run renorm again"
            )
        own.copy_(value)


def interpolate_norms(
    raw: Mapping[str, Tensor], tuned: Mapping[str, Tensor], way: float
) -> dict[str, Tensor]:
    """The norm layers on the way from raw (0) to tuned (1), as in WiSE-FT (arXiv 2109.01903)."""
    return {key: torch.lerp(raw[key], value, way) for key, value in tuned.items()}


def _norm_layers_of(tower: nn.Module, prefix: str) -> list[NormLayer]:
    kinds = _BATCH_NORMS + _CHANNELS_FIRST_NORMS + _CHANNELS_LAST_NORMS
    return [
        NormLayer(f"{prefix}.{name}" if name else prefix, module)
        for name, module in tower.named_modules()
        if isinstance(module, kinds) and getattr(module, "weight", None) is not None
    ]
