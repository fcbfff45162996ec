"""What `inspect` prints."""

import pytest
from support.evaluated_runs import evaluate_by_hand, make_parents

from ezsd.stages.pages.inspection_text import histogram_text, inspect_summary, summary_text


@pytest.fixture
def root(tiny_dataset, tmp_path, monkeypatch):
    make_parents(tiny_dataset.params(), tmp_path)
    evaluate_by_hand(tiny_dataset.params(), tmp_path, monkeypatch)
    return tmp_path


def test_the_summary_has_all_stages_and_says_what_is_missing(root):
    summary = inspect_summary(root)
    assert list(summary) == ["prepare", "renorm", "mine", "embed", "pseudo", "train", "evaluate", "report"]
    assert summary["prepare"]["state"] == "complete"
    assert summary["prepare"]["counts"]["train_photos"] == 5
    assert "missing" in summary["report"]["state"]
    lines = summary_text(summary).splitlines()
    assert lines[2].startswith("mine ") and "5 proposals" in lines[2]
    assert "missing" in lines[-1]


def test_histogram_lines():
    lines = histogram_text({"counts": [4, 0, 2], "low": 0.0, "high": 3.0}).splitlines()
    assert [line.count("#") for line in lines] == [40, 0, 20]
    assert lines[1].split() == ["1.00", "to", "2.00", "0"]
    assert histogram_text({"counts": [], "low": 0.0, "high": 1.0}) == ""
