"""Findings in the losses of a training."""

import numpy as np
import pytest
from support.training_workplace import make_workplace

from ezsd.pipeline.findings.training import loss_findings
from ezsd.pipeline.graph import STAGES

STEPS = np.arange(400)
NOISE = np.random.default_rng(0).normal(0, 0.2, len(STEPS))


def kinds_of(losses: np.ndarray) -> list[str]:
    return [finding.kind for finding in loss_findings(losses.tolist())]


def test_a_loss_that_falls_is_no_finding() -> None:
    assert kinds_of(1 + 3 * np.exp(-STEPS / 80) + NOISE) == []
    assert kinds_of(4 - STEPS / 400 + NOISE) == []


def test_a_loss_that_stays() -> None:
    (finding,) = loss_findings((4 - STEPS / 4000 + NOISE / 10).tolist())
    assert (finding.kind, finding.stops) == ("stalled-loss", False)
    assert finding.threshold == pytest.approx(0.95 * 4, rel=0.01)


def test_a_loss_that_climbs_again() -> None:
    fallen = np.where(STEPS < 200, 4 - STEPS / 100, STEPS / 200 + 1)
    (finding,) = loss_findings((fallen + NOISE).tolist())
    assert (finding.kind, finding.stops) == ("climbing-loss", False)
    assert finding.number > finding.threshold > 2


def test_a_loss_above_its_start_stops() -> None:
    (finding,) = loss_findings((4 + STEPS / 100 + NOISE).tolist())
    assert (finding.kind, finding.stops) == ("diverged-loss", True)
    assert finding.number == pytest.approx(7.8, abs=0.2)


def test_noise_and_few_steps_are_no_climb() -> None:
    noisy = 4 + 10 * np.random.default_rng(1).normal(0, 0.2, 400)
    assert kinds_of(noisy) in ([], ["stalled-loss"])
    assert kinds_of(4 + STEPS[:99] / 10) == []


def test_a_training_that_learns_nothing_says_so(tmp_path) -> None:
    workplace = make_workplace(tmp_path)
    context = workplace.context(schedule={"epochs": 34, "learning_rate": 1e-12, "decay_epochs": []})
    (finding,) = STAGES["train"].run(context).findings
    assert finding.kind == "stalled-loss"
