"""Rows of a sharded store in a shuffled order that reads whole shards.

Shards come in a random order, a few at a time make a window, and the window's rows come in a random order.
Several processes split the rows: each takes an equal run of the shard order, and few shards are read twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ShardLayout
from ezsd.cache.sharded import ShardedStore


@dataclass(frozen=True)
class Window:
    """Some shards and the order in which their rows come: shards (S,), rows int64 (R,)."""

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
    """What one of `world_size` processes reads in an epoch.

    All ranks together have each row as often as `repeats` int64 (rows,) says, exactly once without it; their
    shares differ by at most one row before it is repeated.
    Raises ArtifactError for an impossible window or rank.
    """
    if window_shards < 1 or not 0 <= rank < world_size:
        raise ArtifactError(
            f"window_shards {window_shards}, rank {rank} of {world_size} cannot be; "
            "a window needs a shard, a rank is from 0 to world_size - 1"
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

    Memory holds `window_shards` shards. The arrays are views into a window: copy what is kept for long.
    Raises ArtifactError as `ShardedStore.read_shard`.
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
    """The rows of one window; its arrays are let go at the end, before the next window is read."""
    content = {shard: store.read_shard(shard, names) for shard in window.shards}
    for row in window.rows.tolist():
        shard, place = divmod(row, store.layout.shard_rows)
        yield row, {name: array[place] for name, array in content[shard].items()}


def _share(parts: list[np.ndarray], total: int, rank: int, world_size: int) -> list[np.ndarray]:
    """Cut the run of rows that is `rank`'s out of the parts, taken one after another."""
    begin, end = rank * total // world_size, (rank + 1) * total // world_size
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1].tolist()
    return [
        part[max(begin - start, 0) : max(end - start, 0)] for start, part in zip(starts, parts, strict=True)
    ]
