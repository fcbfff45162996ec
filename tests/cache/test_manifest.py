"""An artifact says what it was made from; a reader gets it whole and current, or one sentence."""

import json
import os
from pathlib import Path

import pytest
from support.published import INPUTS, changed, publish_artifact

from ezsd.cache import manifest, writing
from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import describe_changes

FIX = "run: ezsd-cli precompute --only mine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return publish_artifact(tmp_path)


def test_round_trip(folder: Path) -> None:
    found = manifest.read_manifest(folder)
    assert found.stage == "mine"
    assert found.inputs == INPUTS
    assert found.counts == {"rows": 2}
    assert found.facts == {"protocol": "names known"}
    assert found.fingerprint == manifest.fingerprint("mine", INPUTS)
    assert {name: record.bytes for name, record in found.files.items()} == {"boxes/0": 10, "names.txt": 0}
    # SHA-256 of nothing, as every tool gives it
    assert found.files["names.txt"].sha256.startswith("e3b0c44298fc1c14")
    assert sorted(path.name for path in folder.iterdir()) == ["boxes", "manifest.json", "names.txt"]


def test_the_same_work_gives_the_same_bytes_elsewhere(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    writing.begin(other, "mine", dict(reversed(INPUTS.items())))
    (other / "names.txt").write_bytes(b"")
    (other / "boxes").mkdir()
    (other / "boxes" / "0").write_bytes(b"shard zero")
    writing.publish(other, {"rows": 2}, {"protocol": "names known"})
    assert (other / "manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()
    assert manifest.manifest_digest(other) == manifest.manifest_digest(folder)


def test_fingerprint_depends_on_stage_and_inputs_not_on_order() -> None:
    one = manifest.fingerprint("mine", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one == manifest.fingerprint("mine", {"b": {"d": 3, "c": 2}, "a": 1})
    assert one != manifest.fingerprint("embed", {"a": 1, "b": {"c": 2, "d": 3}})
    assert one != manifest.fingerprint("mine", {"a": 1, "b": {"c": 2, "d": 4}})


def test_current(folder: Path) -> None:
    assert manifest.is_current(folder, INPUTS)
    assert manifest.require_current(folder, INPUTS, FIX) == manifest.read_manifest(folder)
    assert manifest.require_complete(folder, FIX).counts == {"rows": 2}


def test_inputs_with_tuples_are_what_json_makes_of_them(tmp_path: Path) -> None:
    writing.begin(tmp_path / "a", "mine", {"sizes": (1, 2)})
    writing.publish(tmp_path / "a", {}, {})
    assert manifest.is_current(tmp_path / "a", {"sizes": (1, 2)})


def test_stale_names_what_differs_and_the_fix(folder: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        manifest.require_current(folder, changed(nms_iou=0.6), FIX)
    assert str(caught.value) == f"{folder} is stale: params.mine.nms_iou 0.7 -> 0.6; {FIX}"
    assert not manifest.is_current(folder, changed(nms_iou=0.6))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=f"mine is missing: .*; {FIX}$"):
        manifest.require_current(tmp_path / "mine", INPUTS, FIX)


def test_interrupted(folder: Path) -> None:
    writing.begin(folder, "mine", changed(nms_iou=0.6))
    with pytest.raises(ArtifactError, match=f"mine is incomplete: .* interrupted; {FIX}$"):
        manifest.require_current(folder, changed(nms_iou=0.6), FIX)


def test_foreign_schema(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**content, "schema": 99}))
    with pytest.raises(ArtifactError, match=f"made by another version: schema 99, not 1; {FIX}$"):
        manifest.require_current(folder, INPUTS, FIX)


def test_a_missing_or_short_file_is_named(folder: Path) -> None:
    (folder / "boxes" / "0").write_bytes(b"shard")
    with pytest.raises(ArtifactError, match=f"boxes/0 is damaged: 5 bytes instead of 10; {FIX}$"):
        manifest.require_current(folder, INPUTS, FIX)
    (folder / "boxes" / "0").unlink()
    with pytest.raises(ArtifactError, match=f"boxes/0 is missing; {FIX}$"):
        manifest.require_complete(folder, FIX)
    assert not manifest.is_current(folder, INPUTS)


def edited(content: dict, **changes: object) -> bytes:
    return json.dumps({**content, **changes}).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw, content: raw[: len(raw) // 2],
        lambda raw, content: b"",
        lambda raw, content: b"[1, 2]",
        lambda raw, content: b"\xff\xfe",
        lambda raw, content: edited(content, inputs={}),
        lambda raw, content: edited(content, files={"a": "b"}),
        lambda raw, content: edited(content, files=[1]),
        lambda raw, content: edited(content, surprise=1),
        lambda raw, content: edited({key: content[key] for key in content if key != "counts"}),
    ],
)
def test_a_truncated_or_edited_manifest_is_one_sentence_and_made_anew(folder: Path, damage) -> None:
    path = folder / "manifest.json"
    raw = path.read_bytes()
    path.write_bytes(damage(raw, json.loads(raw)))
    with pytest.raises(ArtifactError, match=r"manifest\.json .*(truncated|damaged)"):
        manifest.read_manifest(folder)
    assert not manifest.is_current(folder, INPUTS)
    assert writing.begin(folder, "mine", INPUTS) is False
    assert os.listdir(folder) == ["incomplete.json"]


def test_names_key_and_both_values() -> None:
    old = {"params": {"mine": {"nms_iou": 0.7, "names": ["a"]}}, "code": {"ezsd/teacher/crops.py": "1" * 64}}
    new = {"params": {"mine": {"nms_iou": 0.6, "names": ["a"]}}, "code": {"ezsd/teacher/crops.py": "2" * 64}}
    assert describe_changes(old, new) == "code ezsd/teacher/crops.py changed, params.mine.nms_iou 0.7 -> 0.6"


def test_nothing_differs() -> None:
    assert describe_changes({"params": {"a": [1, {"b": 2}]}}, {"params": {"a": [1, {"b": 2}]}}) == ""


def test_a_key_that_came_or_went() -> None:
    assert describe_changes({"params": {"a": 1}}, {"params": {"b": None}}) == (
        "params.a 1 -> (none), params.b (none) -> None"
    )


def test_a_parent_and_a_weights_hash() -> None:
    old = {"parents": {"prepare": "a" * 64}, "weights": "b" * 64}
    new = {"parents": {"prepare": "c" * 64}, "weights": "d" * 64}
    assert describe_changes(old, new) == "parent prepare was re-made, weights bbbbbbbb -> dddddddd"


def test_code_as_one_digest() -> None:
    assert describe_changes({"code": "a"}, {"code": "b"}) == "code changed"


def test_many_changes_are_counted() -> None:
    old = {"params": {f"key{number}": 0 for number in range(9)}}
    new = {"params": {f"key{number}": 1 for number in range(9)}}
    text = describe_changes(old, new)
    assert text.startswith("params.key0 0 -> 1, params.key1 0 -> 1")
    assert text.endswith("params.key5 0 -> 1, and 3 more")


def test_long_values_are_cut() -> None:
    assert len(describe_changes({"names": "x" * 500}, {"names": "y"})) < 80
