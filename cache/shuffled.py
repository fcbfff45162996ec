"""Rows of a sharded store in a shuffled order that reads whole shards.

Shards come in random order, a few at a time form a window, and the rows of a window come in random order.
Several processes split the rows: each takes an equal run of the shard order, so few shards are read twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ShardLayout
from ezsd.cache.sharded import ShardedStore


@dataclass(frozen=True)
class Window:
    """Some shards and the order of their rows: shards (S,), rows int64 (R,)."""

    shards: tuple[int, ...]
    rows: np.ndarray


def plan_windows(
    layout: ShardLayout,
    *,
    seed: int,
    epoch: int,
    window_shards: int,
    rank: int = 0,
    world_size: int = 1,
    repeats: np.ndarray | None = None,
) -> list[Window]:
    """Plan what one of `world_size` processes reads in an epoch.

    The shares of the ranks differ by at most one row before repetition.

    Args:
        layout: of the store.
        seed, epoch: of the random order.
        window_shards: shards held in memory at once.
        rank: of this process, 0 to `world_size` - 1.
        world_size: number of processes.
        repeats: int64 (rows,), how often all ranks together read each row; once by default.

    Raises:
        ArtifactError: the window or rank is impossible.
    """
    if window_shards < 1 or not 0 <= rank < world_size:
        raise ArtifactError(
            f"window_shards {window_shards}, rank {rank} of {world_size} are impossible; "
            "a window needs at least one shard, a rank is from 0 to world_size - 1"
        )
    shards = np.random.default_rng([seed, epoch]).permutation(layout.shards).tolist()
    own = _share([np.array(layout.shard_range(shard)) for shard in shards], layout.rows, rank, world_size)
    occupied = [(shard, rows) for shard, rows in zip(shards, own, strict=True) if len(rows)]
    times = np.ones(layout.rows, np.int64) if repeats is None else repeats
    groups = [occupied[start : start + window_shards] for start in range(0, len(occupied), window_shards)]
    generator = np.random.default_rng([seed, epoch, rank, world_size])
    rows_of = [np.concatenate([rows for _, rows in group]) for group in groups]
    return [
        Window(tuple(shard for shard, _ in group), generator.permutation(np.repeat(rows, times[rows])))
        for group, rows in zip(groups, rows_of, strict=True)
    ]


def iterate_shuffled(
    store: ShardedStore,
    names: Iterable[str],
    *,
    seed: int,
    epoch: int,
    window_shards: int,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield (row, {name: array of the row's shape}) for this rank's rows of an epoch, in a shuffled order.

    Memory holds `window_shards` shards. The arrays are views into a window: copy those to keep.

    Raises:
        ArtifactError: as `ShardedStore.read_shard`.
    """
    chosen = list(names)
    windows = plan_windows(
        store.layout, seed=seed, epoch=epoch, window_shards=window_shards, rank=rank, world_size=world_size
    )
    for window in windows:
        yield from _iterate_window(store, chosen, window)


def _iterate_window(
    store: ShardedStore, names: list[str], window: Window
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield the rows of one window; its arrays are freed before the next window is read."""
    content = {shard: store.read_shard(shard, names) for shard in window.shards}
    for row in window.rows.tolist():
        shard, place = divmod(row, store.layout.shard_rows)
        yield row, {name: array[place] for name, array in content[shard].items()}


def _share(parts: list[np.ndarray], total: int, rank: int, world_size: int) -> list[np.ndarray]:
    """Cut the run of rows that belongs to `rank` out of the concatenated parts."""
    begin, end = rank * total // world_size, (rank + 1) * total // world_size
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1].tolist()
    return [
        part[max(begin - start, 0) : max(end - start, 0)] for start, part in zip(starts, parts, strict=True)
    ]
