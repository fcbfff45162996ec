"""Shuffled reading: each row once, the same order again, disjoint among processes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec, ShardLayout
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.shuffled import iterate_shuffled, plan_windows

ARRAYS = {"values": ArraySpec((2,), "f4", 0), "image_ids": ArraySpec((), "i8", 0)}


def store_of(folder: Path, rows: int, shard_rows: int) -> ShardedStore:
    store = ShardedStore.create(folder, ARRAYS, rows, shard_rows, {})
    for shard in range(store.shards):
        ids = np.array(store.shard_range(shard), np.int64)
        store.write_shard(shard, {"values": np.stack([ids, -ids], 1).astype("f4"), "image_ids": ids})
    store.finish()
    return store


def order(rows: int, shard_rows: int, **how: int) -> list[int]:
    layout = ShardLayout(ARRAYS, rows, shard_rows)
    return [row for window in plan_windows(layout, **how) for row in window.rows.tolist()]


@given(
    rows=st.integers(0, 200),
    shard_rows=st.integers(1, 40),
    window=st.integers(1, 5),
    world_size=st.integers(1, 7),
    epoch=st.integers(0, 3),
)
def test_all_ranks_together_have_each_row_once(rows, shard_rows, window, world_size, epoch) -> None:
    how = {"seed": 1, "epoch": epoch, "window_shards": window, "world_size": world_size}
    shares = [order(rows, shard_rows, rank=rank, **how) for rank in range(world_size)]
    assert sorted(row for share in shares for row in share) == list(range(rows))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert shares == [order(rows, shard_rows, rank=rank, **how) for rank in range(world_size)]


def test_a_row_comes_as_often_as_it_is_repeated_and_among_its_window() -> None:
    repeats = np.array([1, 3, 0, 1, 2, 1, 1, 1])
    found = order(8, 2, seed=1, epoch=0, window_shards=2, repeats=repeats)
    assert np.bincount(found, minlength=8).tolist() == repeats.tolist()
    windows = plan_windows(ShardLayout(ARRAYS, 8, 2), seed=1, epoch=0, window_shards=2, repeats=repeats)
    for window in windows:
        assert set((window.rows // 2).tolist()) <= set(window.shards)


@given(
    rows=st.integers(1, 200), shard_rows=st.integers(1, 40), window=st.integers(1, 5), world=st.integers(1, 4)
)
def test_each_window_reads_few_shards_and_each_once(rows, shard_rows, window, world) -> None:
    layout = ShardLayout(ARRAYS, rows, shard_rows)
    shards = []
    for rank in range(world):
        for found in plan_windows(layout, seed=0, epoch=0, window_shards=window, rank=rank, world_size=world):
            assert len(found.shards) <= window
            assert set((found.rows // shard_rows).tolist()) == set(found.shards)
            shards += found.shards
    assert len(shards) <= layout.shards + world - 1  # only a shard on a border is read twice


def test_the_order_changes_with_seed_and_epoch_and_is_shuffled() -> None:
    how = {"window_shards": 3}
    first = order(100, 10, seed=0, epoch=0, **how)
    assert first != sorted(first)
    assert first != order(100, 10, seed=0, epoch=1, **how)
    assert first != order(100, 10, seed=1, epoch=0, **how)


def test_rows_come_with_their_content(tmp_path: Path) -> None:
    store = store_of(tmp_path, 23, 5)
    seen = []
    for row, arrays in iterate_shuffled(store, ["values", "image_ids"], seed=3, epoch=0, window_shards=2):
        assert arrays["image_ids"] == row
        assert arrays["values"].tolist() == [row, -row]
        seen.append(row)
    assert seen == order(23, 5, seed=3, epoch=0, window_shards=2)


def test_no_rows(tmp_path: Path) -> None:
    assert (
        list(iterate_shuffled(store_of(tmp_path, 0, 5), ["values"], seed=0, epoch=0, window_shards=2)) == []
    )


def test_a_damaged_shard_stops_the_reading(tmp_path: Path) -> None:
    store = store_of(tmp_path, 23, 5)
    (tmp_path / "values/c/3/0").unlink()
    with pytest.raises(ArtifactError, match="shard 3 of 'values'"):
        list(iterate_shuffled(store, ["values"], seed=0, epoch=0, window_shards=2))


@pytest.mark.parametrize("how", [{"window_shards": 0}, {"window_shards": 1, "rank": 2, "world_size": 2}])
def test_impossible_requests_are_refused(how: dict[str, int]) -> None:
    with pytest.raises(ArtifactError, match="are impossible"):
        order(10, 2, seed=0, epoch=0, **how)
