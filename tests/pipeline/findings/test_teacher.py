"""Findings in the re-normalized teacher."""

from pathlib import Path

import numpy as np
import pytest
from support.teacher_runs import context_of, prepare_colours

from ezsd.pipeline.findings.teacher import accuracy_findings, text_findings
from ezsd.stages import renorm


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


def test_names_whose_text_embeddings_nearly_coincide() -> None:
    text = np.array([[1, 0], [0, 1], [0.995, (1 - 0.995**2) ** 0.5], [0.6, 0.8]], np.float32)
    (finding,) = text_findings(text, ["sofa", "cat", "couch", "dog"])
    assert (finding.kind, finding.stops) == ("alike-names", False)
    assert finding.number == pytest.approx(0.995)
    assert "'sofa' and 'couch', of 1 that" in finding.what
    assert list(text_findings(text[[0, 1, 3]], ["sofa", "cat", "dog"])) == []


def test_renorm_finds_two_names_with_the_same_text(tmp_path: Path) -> None:
    prepare_colours(tmp_path)
    overrides = ["renorm.method=none", "teacher.text_names={red: a colour, yellow: a colour}"]
    found = {
        finding.kind: finding for finding in renorm.run(context_of("renorm", tmp_path, overrides)).findings
    }
    assert found["alike-names"].number == pytest.approx(1.0, abs=1e-5)
