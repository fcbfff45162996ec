"""Shards at a URL: the same manifest and bytes, and nothing that is stale, foreign or half is taken."""

import hashlib
import json
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest

from ezsd.cache import manifest, writing
from ezsd.cache.contents import read_location, shards_url, store_location, write_location
from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec
from ezsd.cache.objects import Objects
from ezsd.cache.portable import export_artifacts
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.verify import verify

STORES = "memory://bucket/runs"
INPUTS = {"code": "1"}
FIX = "run: ezsd-cli precompute --only mine"
ARRAYS = {"scores": ArraySpec((3,), "f4", 0)}


def url_of(inputs: dict[str, str]) -> str:
    return shards_url(STORES, "mine", manifest.fingerprint("mine", inputs))


def make(
    folder: Path,
    url: str | None,
    inputs: dict[str, str] = INPUTS,
    shards: int = 3,
    stores: str | None = STORES,
) -> Path:
    """An artifact of ten rows in three shards, begun and finished, or left after some shards."""
    writing.begin(folder, "mine", inputs, url, stores)
    store = ShardedStore.create(store_location(folder, "proposals.zarr"), ARRAYS, 10, 4, {})
    for shard in range(shards):
        if not store.is_done(shard):
            rows = len(store.shard_range(shard))
            store.write_shard(shard, {"scores": np.full((rows, 3), shard, "f4")})
    if shards == store.shards:
        store.finish()
        (folder / "names.txt").write_text("striped fish")
        writing.publish(folder, {"rows": 10}, {})
    return folder


def bucket() -> dict[str, bytes]:
    files = fsspec.filesystem("memory")
    return {name: files.cat_file(name) for name in files.find("/bucket")}


@pytest.fixture(autouse=True)
def empty_bucket() -> None:
    files = fsspec.filesystem("memory")
    if files.exists("/bucket"):
        files.rm("/bucket", recursive=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / "mine", url_of(INPUTS))


def test_the_manifest_and_the_shards_are_those_of_a_folder(folder: Path, tmp_path: Path) -> None:
    local = make(tmp_path / "local" / "mine", None)
    assert (folder / "manifest.json").read_bytes() == (local / "manifest.json").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["location.json", "manifest.json", "names.txt"]
    prefix = url_of(INPUTS).removeprefix("memory:/")
    there = {name.removeprefix(f"{prefix}/"): data for name, data in bucket().items()}
    assert json.loads(there.pop("claim.json"))["inputs"] == INPUTS
    assert there == {
        path.relative_to(local).as_posix(): path.read_bytes()
        for path in (local / "proposals.zarr").rglob("*")
        if path.is_file()
    }
    assert verify(folder, FIX) == []
    assert manifest.is_current(folder, INPUTS)


def test_both_are_exported_alike(folder: Path, tmp_path: Path) -> None:
    local = make(tmp_path / "local" / "mine", None)
    digests = []
    for name, one in {"a": folder, "b": local}.items():
        export_artifacts(tmp_path / name, {"mine": one}, lambda size: None)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_missing_and_a_damaged_shard_are_named_and_made_again(folder: Path) -> None:
    before, objects = bucket(), Objects(url_of(INPUTS))
    objects.put("proposals.zarr/scores/c/1/0", b"?" * len(before[object_name("proposals.zarr/scores/c/1/0")]))
    objects.delete("proposals.zarr/scores/c/2/0")
    where = f"{url_of(INPUTS)}/proposals.zarr/scores/c"
    assert verify(folder, FIX) == [
        f"{where}/1/0 (shard 1 of 'scores', rows 4 to 7) is damaged: its checksum does not agree; "
        f"delete {where}/1/0 and {FIX}",
        f"{where}/2/0 (shard 2 of 'scores', rows 8 to 9) is missing; {FIX}",
    ]
    with pytest.raises(ArtifactError, match=r"scores/c/2/0 is missing; make it again"):
        manifest.require_current(folder, INPUTS, "make it again")
    assert writing.begin(folder, "mine", INPUTS, url_of(INPUTS))
    store = ShardedStore.open(store_location(folder, "proposals.zarr"))
    assert [store.is_done(shard) for shard in range(3)] == [True, False, False]
    make(folder, url_of(INPUTS))
    assert verify(folder, FIX) == [] and bucket() == before


def object_name(key: str) -> str:
    return f"{url_of(INPUTS).removeprefix('memory:/')}/{key}"


def test_an_interrupted_run_goes_on_with_its_shards(tmp_path: Path) -> None:
    folder = make(tmp_path / "mine", url_of(INPUTS), shards=2)
    with pytest.raises(ArtifactError, match="incomplete"):
        manifest.read_manifest(folder)
    assert writing.begin(folder, "mine", INPUTS, url_of(INPUTS))
    store = ShardedStore.open(store_location(folder, "proposals.zarr"))
    assert [store.is_done(shard) for shard in range(3)] == [True, True, False]


def test_a_folder_that_was_lost_finds_its_shards_again(folder: Path, tmp_path: Path) -> None:
    assert not writing.begin(tmp_path / "new", "mine", INPUTS, url_of(INPUTS))
    store = ShardedStore.open(store_location(tmp_path / "new", "proposals.zarr"))
    assert all(map(store.is_done, range(3)))
    make(tmp_path / "new", url_of(INPUTS))
    assert (tmp_path / "new/manifest.json").read_bytes() == (folder / "manifest.json").read_bytes()


def test_other_inputs_leave_none_of_the_old_shards_and_all_else(folder: Path) -> None:
    Objects(STORES).put("embed/precious", b"not ours")
    make(folder, url_of({"code": "2"}), {"code": "2"})
    old, new = (url_of(inputs).removeprefix("memory:/") for inputs in (INPUTS, {"code": "2"}))
    names = set(bucket())
    assert not any(name.startswith(old) for name in names) and any(name.startswith(new) for name in names)
    assert "/bucket/runs/embed/precious" in names
    assert verify(folder, FIX) == []


def test_shards_that_shall_lie_elsewhere_are_made_anew_and_leave_no_copy(tmp_path: Path) -> None:
    folder = make(tmp_path / "mine", url_of(INPUTS), shards=2)
    make(folder, None)
    assert read_location(folder) is None and bucket() == {}
    assert (folder / "proposals.zarr/scores/c/2/0").is_file() and verify(folder, FIX) == []


@pytest.mark.parametrize("stores", [None, "memory://bucket", "memory://bucket/runs/mine"])
def test_shards_that_are_not_below_the_stores_stay(folder: Path, stores: str | None) -> None:
    before = bucket()
    make(folder, None, {"code": "2"}, stores=stores)
    assert read_location(folder) is None and bucket() == before


@pytest.mark.parametrize("stage", ["mine", "embed"])
def test_shards_of_another_artifact_stay(folder: Path, stage: str) -> None:
    theirs = shards_url(STORES, stage, manifest.fingerprint(stage, {"whose": "theirs"}))
    Objects(theirs).put("proposals.zarr/zarr.json", b"precious")
    before = bucket()
    write_location(folder, theirs)
    make(folder, None, {"code": "2"})
    assert read_location(folder) is None and bucket() == before


def test_a_claim_that_contradicts_itself_removes_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path / "mine", None, shards=1)
    theirs = f"../../theirs/mine/{'0' * 64}"
    Objects("memory://bucket").put(f"theirs/mine/{'0' * 64}/precious", b"not ours")
    claim = json.loads((folder / "incomplete.json").read_bytes())
    (folder / "incomplete.json").write_text(json.dumps({**claim, "fingerprint": theirs}))
    write_location(folder, shards_url(STORES, "mine", theirs))
    assert writing.claimed_fingerprint(folder) is None
    make(folder, None)
    assert list(bucket().values()) == [b"not ours"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("memory://bucket/runs", "does not hold a URL of shards"),
        (["memory://bucket"], "does not hold a URL of shards"),
        (f"memory://bucket/runs/mine/{'0' * 64}", "names the shards of another artifact"),
    ],
)
def test_a_foreign_location_is_refused_and_nothing_removed(folder: Path, url: object, says: str) -> None:
    before = bucket()
    (folder / "location.json").write_text(json.dumps({"url": url}))
    assert not manifest.is_current(folder, INPUTS)
    assert says in verify(folder, FIX)[0]
    assert bucket() == before


def test_a_damaged_location_is_told(folder: Path) -> None:
    (folder / "location.json").write_text('{"url": "mem')
    with pytest.raises(ArtifactError, match=r"location\.json is damaged; remove .* and make it again"):
        store_location(folder, "proposals.zarr")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "s3://bucket/x",
            r"s3://bucket/x cannot be opened: Install s3fs .*; install fsspec's driver of s3://",
        ),
        ("nowhere://x", "nowhere://x cannot be opened: Protocol not known: nowhere; .* or correct the URL"),
    ],
)
def test_a_missing_driver_is_one_sentence(
    url: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)  # as if it were not installed
    with pytest.raises(ArtifactError, match=says):
        writing.begin(tmp_path / "mine", "mine", INPUTS, url)
    assert not (tmp_path / "mine").exists()


def test_a_url_that_cannot_be_reached_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable(Exception):
        """Not an OSError, like those of botocore."""

    def refuse(*arguments: object, **options: object) -> None:
        raise Unreachable("no route to the bucket")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "pipe_file", refuse)
    monkeypatch.setattr(fsspec.implementations.memory.MemoryFileSystem, "find", refuse)
    with pytest.raises(ArtifactError, match=r"cannot write memory://.*: no route to the bucket; fix that"):
        writing.begin(folder, "mine", INPUTS, url_of(INPUTS))
    with pytest.raises(ArtifactError, match=r"cannot read memory://.*: no route to the bucket"):
        manifest.require_current(folder, INPUTS, FIX)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
