"""The sharded store refuses what it cannot use; damage is never a fill value."""

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr
from support.filled_stores import ARRAYS, FIX, content, filled, part, tree

from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec, name_shards
from ezsd.cache.sharded import ShardedStore


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.pop("count"), "needs the arrays"),
        (lambda rows: rows.update(extra=rows["count"]), "needs the arrays"),
        (
            lambda rows: rows.update(labels=rows["labels"][:1]),
            r"'labels' must be int32 \(4, 3\), but int32 \(1, 3\)",
        ),
        (lambda rows: rows.update(labels=rows["labels"].astype("i8")), "must be int32 .* but int64"),
        (
            lambda rows: rows.update(boxes_xyxy=rows["boxes_xyxy"][:, :2]),
            r"\(4, 3, 4\), but float32 \(4, 2, 4\)",
        ),
        (lambda rows: rows.update(count=[0, 0, 0, 0]), "numpy array, not list"),
    ],
)
def test_wrong_rows_are_refused_before_anything_is_written(tmp_path: Path, change, says: str) -> None:
    store = ShardedStore.create(tmp_path, ARRAYS, 10, 4, {})
    before, rows = tree(tmp_path), part(content(10), range(4))
    change(rows)
    with pytest.raises(ArtifactError, match=says):
        store.write_shard(0, rows)
    assert tree(tmp_path) == before


def test_impossible_layouts_are_refused(tmp_path: Path) -> None:
    for shape, dtype, fill in [((0, 4), "f4", 0), ((3,), "O", 0), ((3,), ">f4", 0), ((3,), "what", 0)]:
        with pytest.raises(ArtifactError):
            ArraySpec(shape, dtype, fill)
    with pytest.raises(ArtifactError, match="not finite"):
        ArraySpec((), "f4", float("nan"))
    for arrays, rows, shard_rows in [
        ({}, 1, 1),
        (ARRAYS, -1, 1),
        (ARRAYS, 1, 0),
        ({"a/b": ARRAYS["count"]}, 1, 1),
    ]:
        with pytest.raises(ArtifactError):
            ShardedStore.create(tmp_path, arrays, rows, shard_rows, {})
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_store_is_not_read(tmp_path: Path) -> None:
    store = ShardedStore.create(tmp_path, ARRAYS, 10, 4, {}, FIX)
    store.write_shard(1, part(content(10), range(4, 8)))
    assert [store.is_done(shard) for shard in range(3)] == [False, True, False]
    with pytest.raises(ArtifactError, match=f"these are not done: 0, 2; {FIX}$"):
        store.finish()
    for read in (lambda: store.read_shard(1), lambda: store.read("count", [4])):
        with pytest.raises(ArtifactError, match=f"is incomplete, so it cannot be read; {FIX}$"):
            read()


def test_what_is_no_store_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=f"no store in .*nowhere; {FIX}"):
        ShardedStore.open(tmp_path / "nowhere", FIX)
    assert list(tmp_path.iterdir()) == []
    zarr.open_group(tmp_path / "foreign", mode="w")
    with pytest.raises(ArtifactError, match="damaged or foreign"):
        ShardedStore.open(tmp_path / "foreign")
    filled(tmp_path / "cut", content(3))
    (tmp_path / "cut" / "zarr.json").write_bytes(b'{"attri')
    with pytest.raises(ArtifactError, match="damaged or foreign"):
        ShardedStore.open(tmp_path / "cut")
    filled(tmp_path / "new", content(3))
    path = tmp_path / "new" / "zarr.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 7'))
    with pytest.raises(ArtifactError, match="schema 7, not 2"):
        ShardedStore.open(tmp_path / "new")


def test_another_layout_is_not_mixed_in(tmp_path: Path) -> None:
    filled(tmp_path, content(10))
    with pytest.raises(ArtifactError, match="another layout"):
        ShardedStore.create(tmp_path, ARRAYS, 11, 4, {"names": ["a", "b"]})
    with pytest.raises(ArtifactError, match="another layout"):
        ShardedStore.create(tmp_path, ARRAYS, 10, 4, {"names": ["a"]})


@pytest.fixture(scope="module")
def six_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete store of two shards."""
    folder = tmp_path_factory.mktemp("six")
    filled(folder, content(6))
    return folder


def damaged_copies(whole: bytes) -> Iterator[bytes]:
    """The bytes with each single bit flipped, and cut at each place."""
    for place in range(len(whole)):
        yield whole[:place]
        for bit in range(8):
            yield whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]


# a zstd frame has two bits that say nothing of its content
@pytest.mark.parametrize(("name", "harmless_bits"), [("embeddings", 4), ("plain", 0)])
def test_no_flipped_bit_and_no_cut_gives_a_wrong_row(six_rows: Path, name: str, harmless_bits: int) -> None:
    path, right = six_rows / f"{name}/c/1/0/0", content(6)[name][4:]
    whole, harmless = path.read_bytes(), 0
    says = re.compile(f"shard 1 of '{name}' \\(rows 4 to 5\\) is damaged: .*; delete {path} and {FIX}")
    store = ShardedStore.open(six_rows, FIX)
    for damaged in damaged_copies(whole):
        path.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(store.read_shard(1, [name])[name], right)
            harmless += 1
        except ArtifactError as error:
            assert says.fullmatch(str(error))
    path.write_bytes(whole)
    assert harmless <= harmless_bits


def test_damage_is_told_by_either_way_of_reading_and_only_where_it_is(tmp_path: Path) -> None:
    store = filled(tmp_path, content(6))
    path = tmp_path / "embeddings/c/1/0/0"
    path.write_bytes(path.read_bytes().replace(path.read_bytes()[40:44], b"\0\0\0\0"))
    says = f"shard 1 of 'embeddings' \\(rows 4 to 5\\) is damaged: .*; delete {path} and {FIX}$"
    with pytest.raises(ArtifactError, match=says):
        store.read_shard(1)
    with pytest.raises(ArtifactError, match=says):
        store.read("embeddings", [0, 4, 5])
    assert len(store.read_shard(0)["embeddings"]) == 4
    assert len(store.read_shard(1, ["labels"])["labels"]) == 2


def test_a_missing_shard_is_no_fill_value(tmp_path: Path) -> None:
    store = filled(tmp_path, {name: np.zeros_like(array) for name, array in content(6).items()})
    assert (tmp_path / "count/c/1").is_file()  # though it holds nothing but the fill value
    (tmp_path / "count/c/1").unlink()
    for read in (lambda: store.read_shard(1), lambda: store.read("count", [5])):
        with pytest.raises(
            ArtifactError, match=r"shard 1 of 'count' \(rows 4 to 5\) is damaged: it is missing"
        ):
            read()


def test_a_shard_of_fewer_rows_is_damaged(tmp_path: Path) -> None:
    long, short = filled(tmp_path / "long", content(8)), filled(tmp_path / "short", content(6))
    os.replace(tmp_path / "short/count/c/1", tmp_path / "long/count/c/1")
    with pytest.raises(ArtifactError, match="does not hold 4 rows"):
        long.read_shard(1)
    assert short.rows == 6


def test_a_full_disk_stops_cleanly_and_the_rest_goes_on_later(tmp_path: Path, monkeypatch) -> None:
    data, flush, calls = content(10), os.fsync, []
    store = ShardedStore.create(tmp_path, ARRAYS, 10, 4, {"names": ["a", "b"]}, FIX)
    store.write_shard(0, part(data, range(4)))

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(handle)

    with (
        monkeypatch.context() as patch,
        pytest.raises(ArtifactError, match="disk is full; free space and run"),
    ):
        patch.setattr(os, "fsync", full)
        store.write_shard(1, part(data, range(4, 8)))
    assert not list(tmp_path.rglob("*.part"))
    again = ShardedStore.create(tmp_path, ARRAYS, 10, 4, {"names": ["a", "b"]}, FIX)
    assert [again.is_done(shard) for shard in range(3)] == [True, False, False]
    for shard in (1, 2):
        again.write_shard(shard, part(data, again.shard_range(shard)))
    again.finish()
    filled(tmp_path / "straight", data)
    straight = tree(tmp_path / "straight")
    assert {name: found for name, found in tree(tmp_path).items() if "straight" not in name} == straight


def test_shard_numbers_for_people() -> None:
    assert name_shards([]) == ""
    assert name_shards([7, 0, 3, 5, 4, 9]) == "0, 3-5, 7, 9"


@pytest.mark.parametrize("records", [b"", b"{", b"[]", b'{"attributes": {"complete": true, "records": []}}'])
def test_edited_records_mean_not_done(tmp_path: Path, records: bytes) -> None:
    filled(tmp_path, content(6))
    (tmp_path / "shards/zarr.json").write_bytes(records)
    store = ShardedStore.open(tmp_path, FIX)
    assert not store.is_done(0)
    with pytest.raises(ArtifactError, match=f"incomplete, so it cannot be read; {FIX}"):
        store.read_shard(0)


def test_a_disk_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, content(6))

    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(ArtifactError, match=r"cannot read .*Input/output error; fix that and run again"):
        store.read_shard(0)
