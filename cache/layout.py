"""The layout of a sharded store: its arrays, number of rows, and which rows are in which shard."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ezsd.cache.errors import ArtifactError


@dataclass(frozen=True)
class ArraySpec:
    """The rows of one array.

    Attributes:
        shape: of a row; `()` for one number.
        dtype: a little-endian bool, integer or float.
        fill: value of rows that were not written; finite.
        compressed: worth it for repetitive rows, such as padding. Embeddings are nearly noise: uncompressed,
            they take a tenth more space and are read several times faster.

    Raises:
        ArtifactError: a dimension is under 1, the dtype cannot be stored, or the fill is not finite.
    """

    shape: tuple[int, ...]
    dtype: str
    fill: int | float = 0
    compressed: bool = True

    def __post_init__(self) -> None:
        if any(size < 1 for size in self.shape):
            raise ArtifactError(f"a row of shape {self.shape} is empty; every dimension must be 1 or more")
        if not _is_storable(self.dtype):
            raise ArtifactError(f"dtype {self.dtype!r} cannot be stored; use a bool, integer or float dtype")
        if not math.isfinite(self.fill):
            raise ArtifactError(f"fill {self.fill} is not finite; use a number")


@dataclass(frozen=True)
class ShardLayout:
    """`rows` rows of every array, in shards of `shard_rows`; the last shard may be shorter."""

    arrays: Mapping[str, ArraySpec]
    rows: int
    shard_rows: int

    def __post_init__(self) -> None:
        if self.rows < 0 or self.shard_rows < 1:
            raise ArtifactError(
                f"{self.rows} rows in shards of {self.shard_rows} are impossible; "
                "give 0 or more rows in shards of 1 or more"
            )
        if not self.arrays:
            raise ArtifactError("a sharded store needs at least one array")
        for name in self.arrays:
            if not name.isidentifier() or name == "shards":
                raise ArtifactError(f"an array cannot be named {name!r}; use letters, digits and underscores")

    @property
    def shards(self) -> int:
        """The number of shards; 0 for no rows."""
        return -(-self.rows // self.shard_rows)

    def shard_range(self, shard: int) -> range:
        """Return the rows of a shard. Raises ArtifactError if there is no such shard."""
        if not 0 <= shard < self.shards:
            raise ArtifactError(f"there is no shard {shard}; the store has {self.shards}")
        return range(shard * self.shard_rows, min((shard + 1) * self.shard_rows, self.rows))

    def object_key(self, name: str, shard: int) -> str:
        """Return the Zarr v3 key of a shard of one array: `embeddings/c/5/0/0`."""
        return "/".join([name, "c", str(shard), *("0" for _ in self.arrays[name].shape)])

    def check_rows(self, shard: int, rows: Mapping[str, np.ndarray]) -> None:
        """Raises ArtifactError unless `rows` has every array with the shard's shape and the exact dtype."""
        count = len(self.shard_range(shard))
        if rows.keys() != self.arrays.keys():
            raise ArtifactError(
                f"shard {shard} needs the arrays {sorted(self.arrays)}, but {sorted(rows)} came"
            )
        for name, spec in self.arrays.items():
            _check_array(f"shard {shard} of {name!r}", rows[name], (count, *spec.shape), np.dtype(spec.dtype))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for the store's attributes."""
        arrays = {
            name: {
                "shape": list(spec.shape),
                "dtype": np.dtype(spec.dtype).str,
                "fill": spec.fill,
                "compressed": spec.compressed,
            }
            for name, spec in self.arrays.items()
        }
        return {"arrays": arrays, "rows": self.rows, "shard_rows": self.shard_rows}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "ShardLayout":
        """The inverse of `to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        arrays = {
            name: ArraySpec(tuple(spec["shape"]), spec["dtype"], spec["fill"], spec["compressed"])
            for name, spec in value["arrays"].items()
        }
        return ShardLayout(arrays, value["rows"], value["shard_rows"])


def name_shards(shards: Iterable[int]) -> str:
    """Format shard numbers as ranges: `0, 3-7, 9`."""
    runs: list[list[int]] = []
    for shard in sorted(shards):
        if runs and shard == runs[-1][1] + 1:
            runs[-1][1] = shard
        else:
            runs.append([shard, shard])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _is_storable(dtype: str) -> bool:
    try:
        return np.dtype(dtype).kind in "biuf" and np.dtype(dtype).isnative
    except TypeError:
        return False


def _check_array(what: str, array: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if not isinstance(array, np.ndarray):
        raise ArtifactError(f"{what} must be a numpy array, not {type(array).__name__}")
    if array.shape != shape or array.dtype != dtype:
        raise ArtifactError(f"{what} must be {dtype} {shape}, but {array.dtype} {array.shape} came")
