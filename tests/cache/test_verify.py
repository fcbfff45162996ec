"""Verify names each damaged file, and for a shard its number and rows."""

from pathlib import Path

import numpy as np
import pytest

from ezsd.cache import manifest, writing
from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.verify import verify

FIX = "run: ezsd-cli precompute --only mine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published artifact with a store of ten rows in shards of four and a text file."""
    folder = tmp_path / "mine"
    writing.begin(folder, "mine", {"code": "1"})
    store = ShardedStore.create(folder / "store.zarr", {"scores": ArraySpec((3,), "f4", 0)}, 10, 4, {})
    for shard in range(store.shards):
        store.write_shard(shard, {"scores": np.zeros((len(store.shard_range(shard)), 3), "f4")})
    store.finish()
    (folder / "names.txt").write_text("striped fish")
    writing.publish(folder, {}, {})
    return folder


def flip(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def test_all_is_well(folder: Path) -> None:
    assert verify(folder, FIX) == verify(folder, FIX, full=False) == []


def test_a_damaged_shard_is_named_with_its_rows_and_fix(folder: Path) -> None:
    path = folder / "store.zarr/scores/c/2/0"
    flip(path)
    assert verify(folder, FIX) == [
        f"{path} (shard 2 of 'scores', rows 8 to 9) is damaged: its checksum does not agree; "
        f"delete {path} and {FIX}"
    ]
    assert verify(folder, FIX, full=False) == []  # sizes agree


def test_missing_short_and_extra_files_show_in_the_quick_check(folder: Path) -> None:
    (folder / "names.txt").unlink()
    (folder / "store.zarr/scores/c/0/0").write_bytes(b"short")
    (folder / "notes.txt").write_text("mine")
    problems = verify(folder, FIX, full=False)
    assert problems == verify(folder, FIX)
    assert problems[0] == f"{folder / 'names.txt'} is missing; {FIX}"
    assert "(shard 0 of 'scores', rows 0 to 3) is damaged: 5 bytes instead of" in problems[1]
    assert problems[2] == f"{folder / 'notes.txt'} is not part of this artifact; delete it"
    assert len(problems) == 3


def test_a_damaged_store_description_does_not_hide_the_shard(folder: Path) -> None:
    (folder / "store.zarr/zarr.json").write_text("{")
    (folder / "store.zarr/scores/c/1/0").unlink()
    assert any("(shard 1 of 'scores') is missing" in problem for problem in verify(folder, FIX))


def test_without_a_manifest_there_is_one_problem(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"schema": 1')
    assert verify(folder, FIX) == [
        f"{folder / 'manifest.json'} cannot be read as JSON: it is truncated or damaged; {FIX}"
    ]
    assert len(verify(folder / "nowhere", FIX)) == 1


def test_what_verify_says_to_do_repairs_it(folder: Path) -> None:
    path = folder / "store.zarr/scores/c/2/0"
    flip(path)
    assert manifest.is_current(folder, {"code": "1"})
    path.unlink()  # as the sentence says
    assert not manifest.is_current(folder, {"code": "1"})
    writing.begin(folder, "mine", {"code": "1"})
    store = ShardedStore.open(folder / "store.zarr")
    assert [store.is_done(shard) for shard in range(3)] == [True, True, False]
