"""`prepare`: every format gives the same index, nothing novel in it, the same bytes each time."""

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.formats import as_lvis, as_voc

from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.runner import artifact_folder, run_stage


def prepare(params: Params, root: Path) -> Prepared:
    run_stage(STAGES, "prepare", params, root)
    return Prepared(artifact_folder(root, "prepare"))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_later_stages_find(tiny_dataset, tmp_path):
    prepared = prepare(tiny_dataset.params(), tmp_path)
    assert prepared.split.names == ("cat", "dog", "cow")
    assert prepared.quarantine == ()
    assert prepared.train.photos.image_ids.tolist() == [7, 10, 30, 31, 120]
    assert prepared.train.photos.file_names == ["a.jpg", "b.jpg", "empty.jpg", "d.jpg", "sub/c.png"]
    assert prepared.train.boxes_of(1).labels.tolist() == [0, 1]
    assert prepared.train.boxes_of(3).crowd.tolist() == [True, False]
    assert prepared.train.boxes_of(3).boxes_xyxy.tolist() == [[5, 5, 65, 55], [70, 50, 73, 52]]
    assert len(prepared.train.boxes_of(4)) == 0
    assert prepared.val.photos.file_names == ["v1.jpg", "v2.jpg"]
    assert len(prepared.val.boxes) == 0
    assert sorted(contents(prepared.folder)) == [
        "manifest.json",
        "quarantine.json",
        "split.json",
        "train.h5",
        "val.h5",
    ]


def test_what_the_manifest_says(tiny_dataset, tmp_path):
    prepared = prepare(tiny_dataset.params(), tmp_path)
    manifest = read_manifest(prepared.folder)
    assert manifest.counts == {
        "train_photos": 5,
        "val_photos": 2,
        "base_boxes": 5,
        "quarantined_photos": 0,
        "quarantined_boxes": 0,
    }
    assert manifest.facts["base_boxes_by_name"] == {"cat": 3, "dog": 2}
    assert manifest.facts["crowd_boxes"] == 1
    assert manifest.facts["train_photos_without_base_boxes"] == 2
    assert str(tmp_path) not in (prepared.folder / "manifest.json").read_text()


def test_photos_without_base_boxes_can_be_dropped(tiny_dataset, tmp_path):
    prepared = prepare(tiny_dataset.params("prepare.empty_photos=drop"), tmp_path)
    assert prepared.train.photos.image_ids.tolist() == [7, 10, 31]


def rows_of(dataset, name: str) -> list[dict]:
    number = dataset.CATEGORY_IDS[name]
    return [row for row in dataset.train["annotations"] if row["category_id"] == number]


def delete_novel(dataset):
    for row in rows_of(dataset, "cow"):
        dataset.train["annotations"].remove(row)


def shuffle_novel(dataset):
    photos = [image["id"] for image in dataset.train["images"]]
    for row in rows_of(dataset, "cow"):
        row["image_id"] = random.Random(row["id"]).choice(photos)
        row["bbox"] = [1, 1, 7, 9]


def corrupt_novel(dataset):
    first, second = rows_of(dataset, "cow")
    first.update(id=100, bbox=[float("nan"), 0, -4, 1e400], iscrowd="maybe")
    second.update(id=100, image_id=4711, area=None)


def move_unasked(dataset):
    for row in rows_of(dataset, "sofa"):
        row.update(id=100, bbox=None)


def reorder(dataset):
    for table in ("images", "annotations", "categories"):
        dataset.train[table].reverse()


@pytest.mark.parametrize("change", [delete_novel, shuffle_novel, corrupt_novel, move_unasked, reorder])
def test_novel_annotations_touch_nothing(tiny_dataset, tmp_path, change):
    params = tiny_dataset.params()
    before = contents(prepare(params, tmp_path / "before").folder)
    inputs = STAGES["prepare"].external_inputs(params, tmp_path)
    change(tiny_dataset)
    tiny_dataset.save()
    assert STAGES["prepare"].external_inputs(params, tmp_path) == inputs
    assert contents(prepare(params, tmp_path / "after").folder) == before


def test_where_the_data_lie_touches_nothing(tiny_dataset, tmp_path):
    before = contents(prepare(tiny_dataset.params(), tmp_path).folder)
    moved = shutil.copytree(tiny_dataset.folder, tmp_path / "moved")
    shutil.rmtree(tiny_dataset.folder)
    tiny_dataset.folder = moved
    assert contents(prepare(tiny_dataset.params(), tmp_path / "elsewhere").folder) == before


def test_several_workers_leave_the_same_bytes(tiny_dataset, tmp_path):
    one, two = (
        prepare(
            tiny_dataset.params("prepare.photos_per_shard=1", f"run.workers={workers}"),
            tmp_path / str(workers),
        )
        for workers in (1, 2)
    )
    assert contents(one.folder) == contents(two.folder)


def test_a_changed_base_box_or_photo_is_noticed(tiny_dataset, tmp_path):
    params = tiny_dataset.params()
    before = STAGES["prepare"].external_inputs(params, tmp_path)
    tiny_dataset.train["annotations"][0]["bbox"][0] += 1
    tiny_dataset.save()
    boxes_changed = STAGES["prepare"].external_inputs(params, tmp_path)
    assert {key for key in before if before[key] != boxes_changed[key]} == {"train_boxes"}
    Image.new("RGB", (64, 48)).save(tiny_dataset.photos("val") / "v1.jpg")
    photo_changed = STAGES["prepare"].external_inputs(params, tmp_path)
    assert {key for key in before if boxes_changed[key] != photo_changed[key]} == {"val_photos"}


def spoil(dataset) -> None:
    (dataset.photos("train") / "a.jpg").write_bytes(b"no photo")
    (dataset.photos("val") / "v2.jpg").unlink()
    dataset.train["annotations"][0]["bbox"] = [70, 4, 30, 20]
    dataset.train["annotations"][1]["bbox"] = [-3, 10, 24, 300]
    dataset.save()


def test_single_bad_photos_and_boxes_are_set_aside(tiny_dataset, tmp_path):
    spoil(tiny_dataset)
    prepared = prepare(tiny_dataset.params("prepare.max_quarantined_fraction=0.5"), tmp_path)
    assert prepared.train.photos.image_ids.tolist() == [10, 30, 31, 120]
    assert prepared.train.boxes_of(0).boxes_xyxy.tolist() == [[0, 10, 21, 48]]
    assert prepared.val.photos.image_ids.tolist() == [1]
    places = [finding.where for finding in prepared.quarantine]
    assert places == ["train image 7 (a.jpg)", "val image 2 (v2.jpg)", "train annotation 100 of image 10"]
    assert str(tiny_dataset.folder) not in json.dumps([finding.as_json() for finding in prepared.quarantine])
    manifest = read_manifest(prepared.folder)
    assert (manifest.counts["quarantined_photos"], manifest.counts["quarantined_boxes"]) == (2, 1)
    assert manifest.facts["clipped_boxes"] == 1


def test_too_many_bad_photos_fail_and_once_fixed_pass(tiny_dataset, tmp_path):
    expected = contents(prepare(tiny_dataset.params(), tmp_path / "good").folder)
    photo = tiny_dataset.photos("train") / "a.jpg"
    good = photo.read_bytes()
    photo.write_bytes(b"x" * len(good))
    with pytest.raises(DataError, match=r"1 of 5 photos .*0\.01 .*train image 7 \(a\.jpg\): not a photo"):
        prepare(tiny_dataset.params(), tmp_path)
    assert not (artifact_folder(tmp_path, "prepare") / "manifest.json").exists()
    photo.write_bytes(good)
    assert contents(prepare(tiny_dataset.params(), tmp_path).folder) == expected


def test_an_interrupted_run_resumes_to_the_same_bytes(tiny_dataset, tmp_path, monkeypatch):
    params = tiny_dataset.params("prepare.photos_per_shard=1")
    expected = contents(prepare(params, tmp_path / "whole").folder)
    decoded: list[str] = []

    def counting(folder, data, file_name, declared_wh):
        if len(decoded) == 3:
            raise KeyboardInterrupt
        decoded.append(file_name)

    with monkeypatch.context() as patch:
        patch.setattr("ezsd.pipeline.data.sources.PhotoFolder.decode_bytes", counting)
        with pytest.raises(KeyboardInterrupt):
            prepare(params, tmp_path)
        decoded.append("go on")
        assert contents(prepare(params, tmp_path).folder) == expected
    assert decoded == ["b.jpg", "a.jpg", "sub/c.png", "go on", "empty.jpg", "d.jpg", "v1.jpg", "v2.jpg"]


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda data: data.annotations("train").unlink(), r"train\.json does not exist"),
        (lambda data: data.annotations("val").write_text("{"), r"val\.json is broken JSON at line 1"),
        (lambda data: shutil.rmtree(data.photos("val")), r"photo folder .*val does not exist"),
        (
            lambda data: os.symlink("/etc/hostname", data.photos("train") / "x.jpg"),
            r"x\.jpg .* is a link that leads out",
        ),
    ],
)
def test_unusable_data_end_in_a_sentence_and_leave_nothing(tiny_dataset, tmp_path, spoilt, sentence):
    tiny_dataset.train["images"].append({"id": 500, "file_name": "x.jpg", "width": 5, "height": 5})
    spoilt(tiny_dataset.save())
    with pytest.raises(DataError, match=sentence):
        prepare(tiny_dataset.params(), tmp_path)
    folder = artifact_folder(tmp_path, "prepare")
    assert not folder.exists() or contents(folder) == {}


def test_the_embedded_world_is_drawn_first(tmp_path):
    overrides = ["data.world.train=6", "data.world.val=3", "prepare.photos_per_shard=4", "run.workers=1"]
    params = parse_params(preset_text("demo"), overrides)
    prepared = prepare(params, tmp_path)
    assert (len(prepared.train), len(prepared.val)) == (6, 3)
    assert prepared.train.boxes.labels.max() < 48
    world = prepared.folder / "world"
    assert len(list((world / "train").iterdir())) == 6
    assert not (prepared.folder / "parts").exists()
    assert not run_stage(STAGES, "prepare", params, tmp_path)
    before = contents(prepared.folder)
    min((world / "train").iterdir()).unlink()
    assert run_stage(STAGES, "prepare", params, tmp_path)
    assert contents(prepared.folder) == before


def unusual_photos(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(folder / "b.jpg").convert("CMYK").save(folder / "b.jpg")
    Image.open(folder / "a.jpg").transpose(Image.Transpose.ROTATE_90).save(folder / "a.jpg", exif=exif)
    Image.fromarray(np.full((48, 64), 30_000, dtype=np.uint16)).save(folder / "sub" / "c.png")
    Image.open(folder / "empty.jpg").convert("L").save(folder / "empty.jpg")


def test_unusual_photos_are_photos(tiny_dataset, tmp_path):
    unusual_photos(tiny_dataset.photos("train"))
    prepared = prepare(tiny_dataset.params(), tmp_path)
    assert prepared.quarantine == ()
    assert len(prepared.train) == 5


def test_lvis(tiny_dataset, tmp_path):
    prepared = prepare(as_lvis(tiny_dataset), tmp_path)
    assert prepared.split.base == ("cat", "dog")
    assert prepared.split.novel == ("cow", "sofa")
    assert prepared.train.photos.file_names[:2] == ["train/a.jpg", "train/b.jpg"]
    assert prepared.train.photos.file_names[4] == "sub/c.png"


def test_voc_finds_the_same_boxes(tiny_dataset, tmp_path):
    coco = prepare(tiny_dataset.params(), tmp_path / "coco").train
    voc = prepare(as_voc(tiny_dataset), tmp_path / "voc").train
    rows = {name: row for row, name in enumerate(voc.photos.file_names)}
    for row, name in enumerate(coco.photos.file_names):
        expected, found = coco.boxes_of(row), voc.boxes_of(rows[name])
        np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)
        np.testing.assert_array_equal(found.labels, expected.labels)


def test_real_photos(coco_photos, tmp_path):
    text = preset_text("coco").replace("datasets/data", coco_photos.as_posix())
    prepared = prepare(parse_params(text, ["run.workers=1", "prepare.empty_photos=keep"]), tmp_path)
    assert (len(prepared.train), len(prepared.val)) == (80, 79)
    assert prepared.quarantine == ()
    tree = json.loads((coco_photos / "annotations" / "instances_train2017.json").read_text())
    names = {category["id"]: category["name"] for category in tree["categories"]}
    expected = {
        row["id"]: row for row in tree["annotations"] if names[row["category_id"]] in prepared.split.base
    }
    boxes = prepared.train.boxes
    assert sorted(boxes.annotation_ids.tolist()) == sorted(expected)
    assert boxes.crowd.sum() == sum(row["iscrowd"] for row in expected.values()) > 0
    for number, box, label in zip(boxes.annotation_ids, boxes.boxes_xyxy, boxes.labels, strict=True):
        x, y, width, height = expected[number]["bbox"]
        np.testing.assert_allclose(box, [x, y, x + width, y + height], atol=1e-3)
        assert prepared.split.base[label] == names[expected[number]["category_id"]]
