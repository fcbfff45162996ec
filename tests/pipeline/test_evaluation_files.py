"""Evaluation files of other making are refused with a sentence."""

import json

import pytest
from support.evaluated_runs import evaluate_by_hand, make_parents

from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.evaluation_files import EvaluationFolder


@pytest.fixture
def evaluated(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    return lambda: EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch))


HOSTILE_METRICS = [
    {"AP50": 3},
    {"AP50": {"all": "high"}},
    {"AP": {"all": 1e308}},
    {"data": {}},
    {"protocol": None},
    {"ensemble": {"teacher_weights": "none"}},
    {"teacher_accuracy": []},
    {"student": {"naming": 50.0}},
    {"AP75": {"base": 1.0, "all": 1.0}},
    {"proposal_recall": {"base": 1.0, "novel": 1.0}},
    {"teacher_accuracy": {"raw": {"base": 1.0, "novel": 1.0, "all": 1.0}}},
    {"other_max_dets": {"many": {}}},
    {"APr": 1.0},
]


@pytest.mark.parametrize("change", HOSTILE_METRICS)
def test_metrics_of_another_form_are_refused(evaluated, change):
    folder = evaluated().folder
    metrics = json.loads((folder / "metrics.json").read_bytes())
    (folder / "incomplete.json").write_text("{}")  # as if the manifest were of these very bytes
    (folder / "metrics.json").write_text(json.dumps({**metrics, **change}))
    with pytest.raises(ArtifactError, match=r"metrics\.json is not what `ezsd-cli eval` writes"):
        _ = EvaluationFolder(folder).metrics


HOSTILE_ROWS = [
    "cat,base,many,1,2,3,,,",
    "cat,base,1,nan,2,3,,,",
    "cat,base,1,inf,2,3,,,",
    "cat,base,1e999,1,2,3,,,",
]


@pytest.mark.parametrize("row", HOSTILE_ROWS)
def test_tables_of_impossible_numbers_are_refused(tmp_path, row):
    head = "category,group,objects,AP50,AP,AP75,AP_small,AP_medium,AP_large"
    (tmp_path / "per_class.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(ArtifactError, match=r"per_class\.csv is not what `ezsd-cli eval` writes"):
        _ = EvaluationFolder(tmp_path).classes
    (tmp_path / "errors.csv").write_text("group,kind,count,percent\nbase,found,1,-1\n")
    with pytest.raises(ArtifactError, match=r"errors\.csv is not what"):
        _ = EvaluationFolder(tmp_path).errors


@pytest.mark.parametrize("change", [lambda rows: rows[:-1], lambda rows: [*rows, rows[0]], lambda rows: []])
def test_a_table_of_errors_without_or_with_two_of_a_kind_is_refused(tmp_path, change):
    rows = [
        f"{group},{kind},0,"
        for group in ("base", "novel", "all")
        for kind in ("found", "wrong class", "wrong place", "missed", "background")
    ]
    table = tmp_path / "errors.csv"
    table.write_text("\n".join(["group,kind,count,percent", *rows]) + "\n")
    assert len(EvaluationFolder(tmp_path).errors) == 15
    table.write_text("\n".join(["group,kind,count,percent", *change(rows)]) + "\n")
    with pytest.raises(ArtifactError, match=r"errors\.csv is not what"):
        _ = EvaluationFolder(tmp_path).errors


HOSTILE_BOXES = [
    {"score": "high"},
    {"score": float("1e999")},
    {"bbox": [0, 0, 1]},
    {"bbox": [0, 0, None, 1]},
    {"category_id": 999},
    {"category_id": []},
    {"image_id": "7"},
    {"segmentation": {"counts": 5, "size": [4, 4]}},
]


@pytest.mark.parametrize("change", HOSTILE_BOXES)
def test_detections_of_another_form_are_refused(evaluated, change):
    folder = evaluated().folder
    detections = json.loads((folder / "detections.json").read_bytes())
    (folder / "incomplete.json").write_text("{}")
    (folder / "detections.json").write_text(json.dumps([{**detections[0], **change}]))
    with pytest.raises(ArtifactError, match=r"detections\.json is "):
        _ = EvaluationFolder(folder).detections


@pytest.mark.parametrize("change", [{"images": 3}, {"annotations": [{}]}, {"categories": []}])
def test_ground_truth_of_another_form_is_refused(evaluated, change):
    folder = evaluated().folder
    truth = json.loads((folder / "ground_truth.json").read_bytes())
    (folder / "incomplete.json").write_text("{}")
    (folder / "ground_truth.json").write_text(json.dumps({**truth, **change}))
    with pytest.raises(ArtifactError, match=r"ground_truth\.json is not what"):
        _ = EvaluationFolder(folder).ground_truth
