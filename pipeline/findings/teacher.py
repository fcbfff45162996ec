"""Findings in the re-normalized teacher: its accuracy and its text embeddings."""

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np

from ezsd.pipeline.findings.finding import Finding
from ezsd.pipeline.jobs.renorm_tuning import Check
from ezsd.renorm.trial import BOXES, CLEARLY, NAMES

NOISE = 2.0
"""Standard errors of a difference; larger drops come by chance in one of forty runs."""

LOST = 0.5
"""Fraction of the accuracy that must be left; below it, proposals and embeddings are mostly wrong."""

_FIX_NAMES = "lower renorm.learning_rate, try renorm.loss softmax, or set renorm.method to none"
ALIKE = 0.99
"""Cosine of two names' text embeddings, from which on their scores differ less than those of two prompts."""

_FIX = "lower renorm.learning_rate, tune more epochs, or set renorm.method to none"


def accuracy_findings(before: float, after: float, boxes: int) -> Iterator[Finding]:
    """Yield a finding if re-normalization lowers the accuracy on base boxes by more than chance.

    Args:
        before: accuracy of the raw teacher, in 0..1.
        after: accuracy of the re-normalized one, on the same boxes.
        boxes: how many.
    """
    what = "accuracy on base boxes after re-normalization"
    error = sqrt((before * (1 - before) + after * (1 - after)) / max(boxes, 1))
    limit = before - NOISE * error
    if after >= limit:
        return
    if after < LOST * before:
        yield Finding("lost-accuracy", what, after, LOST * before, _FIX)
    else:
        yield Finding("lower-accuracy", f"{what} ({before:.3g} before)", after, limit, _FIX)


def held_back_findings(check: Check) -> Iterator[Finding]:
    """Yield a finding for names, and for photos, that were held back and on which accuracy clearly falls."""
    accuracy, error = check.trial.at(check.choice)
    for kind, whose in ((NAMES, "base names"), (BOXES, "photos")):
        before, now = float(check.trial.raw[kind]), float(accuracy[kind])
        limit = before - CLEARLY * float(error[kind])
        if now < limit:
            what = f"accuracy on {check.trial.counts[kind]} boxes of held-back {whose} ({before:.3g} before)"
            yield Finding("lost-names", what, now, limit, _FIX_NAMES)


def text_findings(text: np.ndarray, names: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding if the text embeddings (C, D), L2-normalised, of two names nearly coincide."""
    cosines = np.triu(text @ text.T, k=1)
    pairs = np.argwhere(cosines > ALIKE)
    if len(pairs):
        one, other = np.unravel_index(cosines.argmax(), cosines.shape)
        what = (
            f"highest cosine of two names, {names[one]!r} and {names[other]!r}, of {len(pairs)} that nearly "
            "coincide,"
        )
        fix = "merge the names, or tell them apart with teacher.text_names"
        yield Finding("alike-names", what, float(cosines[one, other]), ALIKE, fix)
