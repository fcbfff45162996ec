"""Findings in pseudo boxes."""

from collections.abc import Iterator

from ezsd.cache.pseudo_file import PseudoTable
from ezsd.pipeline.findings.finding import Finding
from ezsd.pseudo.calibration import Calibration

ENOUGH_RIGHT = 10
"""Right boxes in the calibration; with fewer, a probability is hardly known."""

_FIX_NONE = "lower pseudo.precision, or set pseudo to null"
_FIX_CALIBRATION = "raise pseudo.photos or pseudo.held_back"


def pseudo_findings(table: PseudoTable, calibration: Calibration) -> Iterator[Finding]:
    """Yield a finding without any pseudo box, and one if the calibration rests on few boxes."""
    if not len(table):
        yield Finding("no-pseudo-boxes", "pseudo boxes", 0, 1, _FIX_NONE)
    if calibration.right < ENOUGH_RIGHT:
        what = "boxes on held-back objects in the calibration"
        yield Finding("rough-calibration", what, calibration.right, ENOUGH_RIGHT, _FIX_CALIBRATION)
