"""Puts together what `renorm.h5` holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ezsd.cache.renorm_file import NormLayerRecord, RenormRecord
from ezsd.renorm.measure import DomainStatistics
from ezsd.split import Split


@dataclass(frozen=True)
class View:
    """A teacher at one moment.

    Args:
        norms: gammas and betas, `<tower>.<layer>.weight` and `.bias`.
        domain: what it makes of a sample of base boxes.
        text: float32 `(C, D)` embeddings of all names.
    """

    norms: Mapping[str, Tensor]
    domain: DomainStatistics
    text: Tensor


def make_record(
    before: View, after: View, split: Split, accuracy: Sequence[float], teacher: Mapping[str, Any]
) -> RenormRecord:
    """The record of one re-normalization; it uses no novel name, so its protocol is a strict one."""
    return RenormRecord(
        layers=tuple(_layer(name, before, after) for name in before.domain.activations),
        feature_mean_before=_plain(before.domain.feature_mean),
        feature_mean_after=_plain(after.domain.feature_mean),
        feature_covariance_before=_plain(before.domain.feature_covariance),
        feature_covariance_after=_plain(after.domain.feature_covariance),
        names=split.names,
        text_embeddings_raw=_plain(before.text),
        text_embeddings_renormalized=_plain(after.text),
        base_accuracy=np.array(accuracy, dtype=np.float32),
        teacher=teacher,
        protocol=split.protocol("strict"),
    )


def _layer(name: str, before: View, after: View) -> NormLayerRecord:
    tower, _, path = name.partition(".")
    return NormLayerRecord(
        name=path,
        tower=tower,
        gamma_before=_plain(before.norms[f"{name}.weight"]),
        beta_before=_beta(before, name),
        gamma_after=_plain(after.norms[f"{name}.weight"]),
        beta_after=_beta(after, name),
        mean_before=_plain(before.domain.activations[name].mean),
        var_before=_plain(before.domain.activations[name].variance),
        mean_after=_plain(after.domain.activations[name].mean),
        var_after=_plain(after.domain.activations[name].variance),
    )


def _beta(view: View, name: str) -> np.ndarray:
    """Zeros for a layer without a beta."""
    beta = view.norms.get(f"{name}.bias")
    return np.zeros(len(view.norms[f"{name}.weight"]), np.float32) if beta is None else _plain(beta)


def _plain(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().astype(np.float32)
