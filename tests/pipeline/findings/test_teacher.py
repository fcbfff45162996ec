"""Findings in the re-normalized teacher."""

import pytest

from ezsd.pipeline.findings.teacher import accuracy_findings


def kinds_of(before: float, after: float, boxes: int) -> list[str]:
    return [finding.kind for finding in accuracy_findings(before, after, boxes)]


def test_an_accuracy_that_rises_or_stays_is_no_finding() -> None:
    assert kinds_of(0.47, 0.84, 2049) == []
    assert kinds_of(0.5, 0.5, 2049) == []
    assert kinds_of(0.0, 0.0, 0) == []


def test_a_drop_is_found_beyond_two_standard_errors() -> None:
    # sqrt((0.5 * 0.5 + 0.46 * 0.54) / 800) = 0.02497, twice that is 0.04993
    assert kinds_of(0.5, 0.46, 800) == []
    (finding,) = accuracy_findings(0.5, 0.44, 800)
    assert (finding.kind, finding.number) == ("lower-accuracy", 0.44)
    assert finding.threshold == pytest.approx(0.5 - 2 * ((0.25 + 0.44 * 0.56) / 800) ** 0.5)


def test_losing_more_than_half_stops() -> None:
    (finding,) = accuracy_findings(0.56, 0.03, 2000)
    assert (finding.kind, finding.threshold, finding.stops) == ("lost-accuracy", 0.28, True)
    assert kinds_of(0.5, 0.0, 2) == []  # of two boxes one was right by chance
