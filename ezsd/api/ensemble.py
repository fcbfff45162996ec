"""Scores of a detector's detections together with its teacher (not the paper's: ViLD-ensemble)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ezsd.api.results import Detections
from ezsd.evaluation.config import EnsembleConfig
from ezsd.evaluation.diagnostics import BoxNamer
from ezsd.evaluation.ensemble import ScoreEnsemble, teacher_weights
from ezsd.pipeline.models.vocabulary import NamingTeacher
from ezsd.teacher.box_encoder import BoxEncoder


def make_ensemble(
    naming: NamingTeacher,
    names: Sequence[str],
    text: Tensor,
    known: Mapping[str, Tensor],
    base: Collection[str],
    config: EnsembleConfig,
) -> ScoreEnsemble:
    """An ensemble for the names to find, which compete with all others that are known.

    So the teacher is not certain of a name that is looked for alone, in every box.

    Args:
        naming: the teacher.
        names: C names to find.
        text: `(C, D)` of them.
        known: the teacher's embedding `(D,)` of names; those of `names` are taken instead of `text`.
        base: names that had boxes in training.
        config: how much the teacher counts.
    """
    others = [one for name, one in known.items() if name not in names]
    wanted = [known.get(name, own) for name, own in zip(names, text, strict=True)]
    encoder = BoxEncoder(naming.teacher, naming.batch)
    namer = BoxNamer(encoder, torch.stack([*wanted, *others]).cpu(), naming.context_factor)
    return ScoreEnsemble(namer, teacher_weights(config, names, base))


def rescore(found: Detections, photo: Tensor, ensemble: ScoreEnsemble) -> Detections:
    """The same boxes and names with joint scores, highest first; `photo` is uint8 `(3, H, W)`."""
    with torch.inference_mode():
        scores = ensemble.rescore(photo, found.boxes_xyxy, found.scores, found.labels)
    return replace(found, scores=scores)[scores.argsort(descending=True, stable=True)]
