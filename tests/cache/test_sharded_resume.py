"""However often the work was interrupted, and by any number of processes, the artifact has the same bytes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ezsd.cache import manifest, writing
from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore

ARRAYS = {"embeddings": ArraySpec((5, 8), "f2", 0), "count": ArraySpec((), "i4", 0)}
ROWS, SHARD_ROWS = 21, 4  # six shards, the last of one row
INPUTS = {"params": {"mine": {"top": 5}}, "code": "1", "parents": {}}


def rows_of(shard: int, count: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(shard)
    return {
        "embeddings": generator.normal(size=(count, 5, 8)).astype("f2"),
        "count": generator.integers(0, 5, count).astype("i4"),
    }


def open_store(folder: Path) -> ShardedStore:
    return ShardedStore.create(folder / "store.zarr", ARRAYS, ROWS, SHARD_ROWS, {"protocol": "strict"})


def run_stage(folder: Path, shards=range(6)) -> list[int]:
    """What a stage does; returns the shards it had to write."""
    writing.begin(folder, "mine", INPUTS)
    store = open_store(folder)
    todo = [shard for shard in shards if not store.is_done(shard)]
    for shard in todo:
        store.write_shard(shard, rows_of(shard, len(store.shard_range(shard))))
    store.finish()
    writing.publish(folder, {"rows": ROWS}, {})
    return todo


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("straight") / "mine"
    assert run_stage(folder) == [0, 1, 2, 3, 4, 5]
    return tree(folder)


class Killed(BaseException):
    """Stands for SIGKILL: no code here catches it."""


@pytest.mark.parametrize("calls", range(0, 25, 3))
def test_killed_after_any_write_then_run_again(
    tmp_path: Path, straight: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    folder, replace, done = tmp_path / "mine", os.replace, []

    def dying(source: Path, target: Path) -> None:
        if len(done) == calls:
            raise Killed
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", dying)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        run_stage(folder)
    finished = sum("shards" in path.parts and path.parent.name != "shards" for path in done)
    assert len(run_stage(folder)) == 6 - finished
    assert tree(folder) == straight


WORKER = """
import sys
sys.path.insert(0, {tests!r})
import test_sharded_resume as t
from pathlib import Path
from ezsd.cache.sharded import ShardedStore
store = ShardedStore.open(Path(sys.argv[1]) / "store.zarr")
for shard in map(int, sys.argv[2].split(",")):
    store.write_shard(shard, t.rows_of(shard, len(store.shard_range(shard))))
    print(shard, flush=True)
"""


def worker(folder: Path, shards: str) -> subprocess.Popen:
    script = WORKER.format(tests=str(Path(__file__).parent))
    return subprocess.Popen([sys.executable, "-c", script, str(folder), shards], stdout=subprocess.PIPE)


def test_a_real_sigkill(tmp_path: Path, straight: dict[str, bytes]) -> None:
    folder = tmp_path / "mine"
    writing.begin(folder, "mine", INPUTS)
    open_store(folder)
    with worker(folder, "5,3," + "4," * 500 + "4") as process:
        assert [process.stdout.readline() for _ in range(3)] == [b"5\n", b"3\n", b"4\n"]
        process.send_signal(signal.SIGKILL)
        process.wait()
    redone = run_stage(folder)
    assert {0, 1, 2} <= set(redone) <= {0, 1, 2, 4}
    assert tree(folder) == straight


def test_two_processes_at_once(tmp_path: Path, straight: dict[str, bytes]) -> None:
    folder = tmp_path / "mine"
    writing.begin(folder, "mine", INPUTS)
    open_store(folder)
    with worker(folder, "4,2,0") as one, worker(folder, "5,3,1") as two:
        assert one.wait() == two.wait() == 0
    assert run_stage(folder) == []
    assert tree(folder) == straight


def test_killed_between_finish_and_publish(tmp_path: Path, straight: dict[str, bytes]) -> None:
    folder = tmp_path / "mine"
    run_stage(folder)
    claim = {
        "schema": 1,
        "stage": "mine",
        "fingerprint": manifest.fingerprint("mine", INPUTS),
        "inputs": INPUTS,
    }
    write_json_atomic(folder / "incomplete.json", claim)
    (folder / "manifest.json").unlink()
    assert run_stage(folder) == []
    assert tree(folder) == straight


@pytest.mark.parametrize(
    ("name", "redone"),
    [("embeddings/c/2/0/0", [2]), ("count/c/5", [5]), ("zarr.json", []), ("count/zarr.json", [])],
)
@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_a_damaged_artifact_is_repaired_by_its_damaged_part_alone(
    tmp_path: Path, straight: dict[str, bytes], name: str, redone: list[int], damage: str
) -> None:
    folder = tmp_path / "mine"
    run_stage(folder)
    path = folder / "store.zarr" / name
    data = path.read_bytes()
    path.unlink()
    if damage == "changed":
        path.write_bytes(data[:-1] + b"?")
    assert run_stage(folder) == redone
    assert tree(folder) == straight


def test_lost_records_cost_work_not_bytes(tmp_path: Path, straight: dict[str, bytes]) -> None:
    folder = tmp_path / "mine"
    run_stage(folder)
    (folder / "store.zarr/shards/zarr.json").unlink()
    assert run_stage(folder) == [0, 1, 2, 3, 4, 5]
    assert tree(folder) == straight


def test_read_only_links_are_replaced_not_written_into(tmp_path: Path, straight: dict[str, bytes]) -> None:
    folder, shared = tmp_path / "mine", tmp_path / "dvc-cache"
    run_stage(folder)
    shared.mkdir()
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        path.chmod(0o444)
        os.link(path, shared / str(number))
    before = tree(shared)
    (folder / "store.zarr/embeddings/c/2/0/0").unlink()
    store_before_redo = ShardedStore.open(folder / "store.zarr")
    assert not store_before_redo.is_done(2)
    assert run_stage(folder) == [2]
    assert tree(folder) == straight
    writing.begin(folder, "mine", {**INPUTS, "code": "2"})
    assert tree(shared) == before
    assert {path.stat().st_mode & 0o777 for path in shared.iterdir()} == {0o444}


@pytest.mark.parametrize("group", ["", "embeddings/", "shards/", "shards/2/"])
@pytest.mark.parametrize("kept", [0, 40])
def test_an_object_that_was_cut_short_is_put_again(
    tmp_path: Path, straight: dict[str, bytes], group: str, kept: int
) -> None:
    """Stores on file systems do not put objects whole."""
    writing.begin(tmp_path / "mine", "mine", INPUTS)
    store = open_store(tmp_path / "mine")
    store.write_shard(2, rows_of(2, SHARD_ROWS))
    path = tmp_path / "mine" / "store.zarr" / f"{group}zarr.json"
    path.write_bytes(path.read_bytes()[:kept])
    run_stage(tmp_path / "mine")
    assert tree(tmp_path / "mine") == straight
