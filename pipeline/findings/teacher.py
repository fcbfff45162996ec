"""Findings in the re-normalized teacher."""

from collections.abc import Iterator
from math import sqrt

from ezsd.pipeline.findings.finding import Finding

NOISE = 2.0
"""Standard errors of a difference; larger drops come by chance in one of forty runs."""

LOST = 0.5
"""Fraction of the accuracy that must be left; below it, proposals and embeddings are mostly wrong."""

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
