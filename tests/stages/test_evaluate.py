"""`evaluate`: a detector that sees colours, counted by hand, and by pycocotools from the written files."""

import contextlib
import csv
import io
import json

import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from support.evaluated_runs import ColourModels, context_of, evaluate_by_hand, make_parents
from support.formats import as_lvis, as_voc
from support.lvis_api import by_lvis_api, masks_alone

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.data.sources import PhotoFileError
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs import evaluate as jobs
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.stages import evaluate
from ezsd.stages.pages.report.table import result_table


@pytest.fixture
def evaluated(tiny_dataset, tmp_path, monkeypatch):
    """Runs evaluation with overrides and gives the folder."""

    def run(*overrides, blind=False):
        params = tiny_dataset.params(*overrides)
        make_parents(params, tmp_path)
        return EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch, blind))

    return run


def test_what_a_colour_detector_scores(evaluated):
    metrics = evaluated().metrics
    assert metrics["protocol"] == "names known"
    assert metrics["AP50"] == {"base": 100.0, "novel": 100.0, "all": 100.0}
    assert metrics["data"] == {
        "format": "coco",
        "split": "own",
        "photos": 2,
        "categories": {"base": 2, "novel": 1, "all": 3},
        "objects": {"base": 2, "novel": 1, "all": 3},
    }
    assert metrics["teacher_accuracy"] == {
        "raw": {"base": 50.0, "novel": 0.0, "all": 33.3333},
        "renormalized": {"base": 100.0, "novel": 100.0, "all": 100.0},
    }
    assert metrics["student"]["naming"] == {"base": 0.0, "novel": 100.0, "all": 33.3333}


def test_a_novel_name_without_a_category_or_a_box_has_no_ap_and_the_table_says_so(
    tiny_dataset, tmp_path, monkeypatch
):
    for tree in (tiny_dataset.train, tiny_dataset.val):
        tree["categories"] = [row for row in tree["categories"] if row["name"] != "cow"]
        tree["annotations"] = [row for row in tree["annotations"] if row["category_id"] != 21]
    params = tiny_dataset.save().params()
    make_parents(params, tmp_path)
    files = EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch))
    assert files.metrics["AP50"] == {"base": 100.0, "novel": None, "all": 100.0}
    assert files.metrics["names_without_objects"] == {"base": [], "novel": ["cow"]}
    assert files.ground_truth["categories"][-1] == {"id": 64, "name": "cow"}
    assert any(box["category_id"] == 64 for box in files.detections)  # it is still detected
    assert [(row.category, row.AP50) for row in files.classes] == [
        ("cat", 100.0), ("dog", 100.0), ("cow", None),
    ]  # fmt: skip
    assert "the validation photos have no novel objects" in result_table(files.metrics)


def test_proposal_recall_counts_training_objects_novel_ones_too(evaluated):
    # of two cows both are covered; of four base objects (the crowd is none) no proposal has an IoU of 0.5
    recall = evaluated().metrics["proposal_recall"]
    assert recall == {"base": 0.0, "novel": 100.0, "all": 33.3333}


def test_tables_for_plots(evaluated):
    folder = evaluated().folder
    rows = list(csv.DictReader(io.StringIO((folder / "per_class.csv").read_text())))
    assert [(row["category"], row["group"], row["objects"], row["AP50"]) for row in rows] == [
        ("cat", "base", "1", "100.0"),
        ("dog", "base", "1", "100.0"),
        ("cow", "novel", "1", "100.0"),
    ]
    errors = {(row.group, row.kind): row.count for row in EvaluationFolder(folder).errors}
    assert errors["base", "found"] == 2 and errors["novel", "found"] == 1
    assert errors["all", "missed"] == errors["all", "background"] == 0


def test_pycocotools_reads_the_files_by_itself_and_says_the_same(evaluated):
    files = evaluated("evaluate.max_dets=[100, 1]")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(files.folder / "ground_truth.json"))
        run = COCOeval(truth, truth.loadRes(str(files.folder / "detections.json")), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    keys = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
    for key, theirs in zip(keys, run.stats, strict=False):
        ours = files.metrics[key]["all"]
        assert -1 if ours is None else ours / 100 == pytest.approx(theirs, abs=1e-6), key
    assert files.metrics["max_dets"] == 100
    assert files.metrics["other_max_dets"]["1"]["AP50"]["all"] == 100.0


def test_an_ensemble_is_scored_beside_the_detector_alone(evaluated):
    plain = evaluated()
    detections = (plain.folder / "detections.json").read_bytes()
    files = evaluated("evaluate.ensemble={base: 0.0, novel: 1.0}")
    assert (files.folder / "detections.json").read_bytes() == detections
    joint = json.loads((files.folder / "ensemble_detections.json").read_bytes())
    # the teacher is sure of every name: the cow's 0.8 becomes 1, base scores stay
    assert [one["score"] for one in files.detections] == [0.9, 0.8, 0.9]
    assert [one["score"] for one in joint] == [0.9, 1.0, 0.9]
    assert [one["bbox"] for one in joint] == [one["bbox"] for one in files.detections]
    assert files.metrics["AP50"] == plain.metrics["AP50"]
    assert files.metrics["ensemble"]["AP50"] == {"base": 100.0, "novel": 100.0, "all": 100.0}
    weights = {"base": 0.0, "novel": 1.0}
    assert files.metrics["ensemble"]["teacher_weights"] == weights
    assert read_manifest(files.folder).facts["ensemble"]["teacher_weights"] == weights


def test_an_ensemble_may_have_nothing_to_score(evaluated):
    files = evaluated("evaluate.ensemble={base: 0.5, novel: 0.5}", blind=True)
    assert files.metrics["ensemble"]["AP50"]["all"] == 0.0


MASKS = ("prepare.masks=true", "train.detector.mask_head={convolutions: 1, channels: 8}")


def test_masks_are_scored_beside_boxes_as_pycocotools_does_by_itself(evaluated):
    files = evaluated(*MASKS)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(files.folder / "ground_truth.json"))
        masks = [{key: one[key] for key in one if key != "bbox"} for one in files.detections]
        run = COCOeval(truth, truth.loadRes(masks), "segm")
        run.evaluate()
        run.accumulate()
        run.summarize()
    assert files.metrics["masks"]["AP50"] == {"base": 100.0, "novel": 100.0, "all": 100.0}
    assert files.metrics["masks"]["AP"]["all"] / 100 == pytest.approx(run.stats[0], abs=1e-6)
    assert files.metrics["AP"] == evaluated("prepare.masks=true").metrics["AP"]


def test_lvis_is_scored_as_lvis_api_does_from_the_written_files(tiny_dataset, tmp_path, monkeypatch):
    params = as_lvis(tiny_dataset, *MASKS, "evaluate.max_dets=[300]")
    make_parents(params, tmp_path)
    files = EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch))
    truth, detections = files.folder / "ground_truth.json", files.detections
    boxes = by_lvis_api(truth, detections, "bbox", 300, monkeypatch)
    masks = by_lvis_api(truth, masks_alone(detections), "segm", 300, monkeypatch)
    for key in ("APr", "APc", "APf"):
        assert files.metrics[key] / 100 == pytest.approx(boxes[key], abs=1e-6)
        assert files.metrics["masks"][key] / 100 == pytest.approx(masks[key], abs=1e-6)
    assert files.metrics["AP"]["all"] / 100 == pytest.approx(boxes["AP"], abs=1e-6)
    assert files.metrics["AP"]["novel"] == files.metrics["APr"]


def test_lvis_counts_a_wrong_name_only_where_it_was_looked_for(tiny_dataset, tmp_path, monkeypatch):
    params = as_lvis(tiny_dataset, "evaluate.photos=all", "evaluate.max_dets=[300]")
    dog = tiny_dataset.CATEGORY_IDS["dog"]
    cow = next(one for one in tiny_dataset.val["annotations"] if one["category_id"] == 21)
    cow["category_id"], tiny_dataset.val["annotations"] = dog, [cow]
    tiny_dataset.save()
    make_parents(params, tmp_path)

    def background():
        files = EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch))
        return {(row.group, row.kind): row.count for row in files.errors}["all", "background"]

    assert background() == 0
    tiny_dataset.val["images"][1]["neg_category_ids"] = [dog]
    tiny_dataset.save()
    assert background() == 1


def test_voc_is_scored_by_its_own_rules_without_difficult_objects(tiny_dataset, tmp_path, monkeypatch):
    dog = next(one for one in tiny_dataset.val["annotations"] if one["category_id"] == 18)
    dog["iscrowd"] = 1
    params = as_voc(tiny_dataset)
    make_parents(params, tmp_path)
    metrics = EvaluationFolder(evaluate_by_hand(params, tmp_path, monkeypatch)).metrics
    # the dog is found, which is neither right nor wrong, so of the base names the cat alone counts
    assert metrics["data"]["objects"] == {"base": 1, "novel": 1, "all": 2}
    assert metrics["AP50"] == metrics["AP50_11_points"] == {"base": 100.0, "novel": 100.0, "all": 100.0}
    assert "| AP50, 11 points" in result_table(metrics) and "PASCAL VOC's AP" in result_table(metrics)


def test_a_blind_detector_finds_no_mask(evaluated):
    assert evaluated(*MASKS, blind=True).metrics["masks"]["AP50"]["all"] == 0.0


def test_a_mask_of_a_novel_object_is_among_the_inputs(tiny_dataset, tmp_path):
    params = tiny_dataset.params(*MASKS)
    before = STAGES["evaluate"].external_inputs(params, tmp_path)
    cow = next(one for one in tiny_dataset.val["annotations"] if one["category_id"] == 21)
    cow["segmentation"][0][0] += 3
    tiny_dataset.save()
    after = STAGES["evaluate"].external_inputs(params, tmp_path)
    assert {key for key in before if before[key] != after[key]} == {"val_masks"}


def test_detections_keep_the_data_sets_own_ids(evaluated, tiny_dataset):
    detections = evaluated().detections
    assert [(one["image_id"], one["category_id"]) for one in detections] == [(1, 17), (1, 21), (2, 18)]
    x, y, width, height = detections[2]["bbox"]
    assert (x, y) == pytest.approx((10, 10), abs=3) and (width, height) == pytest.approx((40, 30), abs=5)


def test_a_blind_detector_is_scored_zero(evaluated):
    files = evaluated(blind=True)
    assert files.detections == []
    assert files.metrics["AP50"] == {"base": 0.0, "novel": 0.0, "all": 0.0}
    assert {row.kind: row.count for row in files.errors if row.group == "all"}["missed"] == 3


def test_no_novel_object_to_find_is_said_not_guessed(evaluated, tiny_dataset):
    tiny_dataset.val["annotations"] = [
        box for box in tiny_dataset.val["annotations"] if box["category_id"] != 21
    ]
    tiny_dataset.save()
    metrics = evaluated().metrics
    assert metrics["AP50"]["novel"] is None
    assert metrics["teacher_accuracy"]["raw"]["novel"] is None
    assert metrics["data"]["objects"]["novel"] == 0


@pytest.mark.parametrize(("photos", "count"), [("all", 3), ("with_boxes", 2)])
def test_empty_photos_count_only_when_asked_for(evaluated, tiny_dataset, photos, count):
    tiny_dataset.val["images"].append({"id": 3, "file_name": "v3.png", "width": 20, "height": 10})
    Image.new("RGB", (20, 10)).save(tiny_dataset.photos("val") / "v3.png")
    tiny_dataset.save()
    assert evaluated(f"evaluate.photos={photos}").metrics["data"]["photos"] == count


def test_the_same_bytes_whatever_the_shards_and_nothing_left_over(
    evaluated, tiny_dataset, tmp_path, monkeypatch
):
    once = {path.name: path.read_bytes() for path in evaluated().folder.iterdir()}
    assert set(once) == {
        "manifest.json",
        "metrics.json",
        "per_class.csv",
        "errors.csv",
        "detections.json",
        "ground_truth.json",
    }
    monkeypatch.setattr(evaluate, "PHOTOS_PER_SHARD", 1)
    for path in (tmp_path / "artifacts/evaluate").iterdir():
        path.unlink()
    again = evaluate_by_hand(tiny_dataset.params(), tmp_path, monkeypatch)
    assert {path.name: path.read_bytes() for path in again.iterdir()} == once


def test_an_interrupted_pass_goes_on_where_it_stopped(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    monkeypatch.setattr(evaluate, "PHOTOS_PER_SHARD", 1)
    looked_at = []
    whole = jobs.ValidationPass.__call__

    def stop_at_the_second(self, shard):
        if shard == 1 and not looked_at.count(1):
            looked_at.append(1)
            raise KeyboardInterrupt
        looked_at.append(shard)
        return whole(self, shard)

    monkeypatch.setattr(jobs.ValidationPass, "__call__", stop_at_the_second)
    monkeypatch.setattr(evaluate, "models_on_disk", lambda context, split: ColourModels())
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(context_of(params, tmp_path, "evaluate"))
    evaluate.run(context_of(params, tmp_path, "evaluate"))
    assert looked_at == [0, 1, 1]
    assert EvaluationFolder(tmp_path / "artifacts/evaluate").metrics["AP50"]["all"] == 100.0


def test_novel_annotations_are_among_the_inputs(tiny_dataset, tmp_path):
    params = tiny_dataset.params()
    before = STAGES["evaluate"].external_inputs(params, tmp_path)
    cow = next(box for box in tiny_dataset.train["annotations"] if box["category_id"] == 21)
    cow["bbox"][2] += 1
    tiny_dataset.save()
    after = STAGES["evaluate"].external_inputs(params, tmp_path)
    assert after["train_annotations"] != before["train_annotations"]
    assert after["val_annotations"] == before["val_annotations"]


def test_the_embedded_world_brings_no_inputs_from_outside(tmp_path):
    assert STAGES["evaluate"].external_inputs(parse_params(preset_text("demo")), tmp_path) == {}


def test_missing_and_damaged_files_are_named_with_the_fix(tmp_path):
    (tmp_path / "metrics.json").write_text('{"AP50"')
    files = EvaluationFolder(tmp_path)
    with pytest.raises(ArtifactError, match=r"metrics\.json is damaged: .*; run `ezsd-cli eval --force`"):
        _ = files.metrics
    with pytest.raises(ArtifactError, match=r"per_class\.csv is missing; run `ezsd-cli eval --force`"):
        _ = files.classes


def test_metrics_are_plain_json(evaluated):
    text = (evaluated().folder / "metrics.json").read_text()
    assert json.loads(text)["AP50"]["novel"] == 100.0
    assert "NaN" not in text


def test_a_detector_that_finds_nothing_stops_the_run(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    models = ColourModels(blind=True)
    monkeypatch.setattr(evaluate, "models_on_disk", lambda context, split: models)
    (finding,) = evaluate.run(context_of(params, tmp_path, "blind")).findings
    assert (finding.kind, finding.stops) == ("no-detections", True)


def test_a_validation_photo_that_changed_since_prepare_is_refused(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params()
    make_parents(params, tmp_path)
    Image.new("RGB", (64, 48)).save(tiny_dataset.photos("val") / "v1.jpg")
    with pytest.raises(PhotoFileError, match=r"photo v1\.jpg in .* is not the photo that prepare checked"):
        evaluate_by_hand(params, tmp_path, monkeypatch)
