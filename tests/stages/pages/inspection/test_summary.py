"""The state of every artifact in a line each."""

import pytest
from support.evaluated_runs import evaluate_by_hand, make_parents

from ezsd.stages.pages.inspection.summary import inspect_summary
from ezsd.stages.pages.inspection.text import summary_text


@pytest.fixture
def root(tiny_dataset, tmp_path, monkeypatch):
    make_parents(tiny_dataset.params(), tmp_path)
    evaluate_by_hand(tiny_dataset.params(), tmp_path, monkeypatch)
    return tmp_path


def test_the_summary_has_all_stages_and_says_what_is_missing(root):
    summary = inspect_summary(root)
    assert list(summary) == ["prepare", "renorm", "mine", "embed", "train", "evaluate", "report"]
    assert summary["prepare"]["state"] == "complete"
    assert summary["prepare"]["counts"]["train_photos"] == 5
    assert "missing" in summary["report"]["state"]
    lines = summary_text(summary).splitlines()
    assert lines[2].startswith("mine ") and "5 proposals" in lines[2]
    assert "missing" in lines[-1]
