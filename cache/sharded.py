"""Rows of several arrays in one Zarr v3 group, written shard by shard by any number of processes.

Each shard has one writer, and a record (`cache/shard_records.py`), which is written last. `finish` gathers
the records and marks the store complete; only then can it be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from zarr.abc.store import RangeByteRequest, SuffixByteRequest

from ezsd.cache.atomic import parse_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec, ShardLayout
from ezsd.cache.objects import Location, Objects
from ezsd.cache.shard_codec import (
    DamagedShard,
    decode_index,
    decode_rows,
    decode_shard,
    encode_shard,
    index_size,
    metadata_objects,
)
from ezsd.cache.shard_records import ShardRecords

SCHEMA = 2
_RESERVED = "sharded_store"
_FIX = "run: ezsd-cli precompute"


class ShardedStore:
    """A sharded store: `create` it once, `open` it in every other process, to write or to read."""

    def __init__(
        self, objects: Objects, layout: ShardLayout, attributes: Mapping[str, Any], fix: str
    ) -> None:
        self._objects = objects
        self._layout = layout
        self._attributes = dict(attributes)
        self._fix = fix
        self._records = ShardRecords(objects, layout, fix)
        self._indices: dict[tuple[str, int], np.ndarray] = {}

    @staticmethod
    def create(
        location: Location,
        arrays: Mapping[str, ArraySpec],
        rows: int,
        shard_rows: int,
        attributes: Mapping[str, Any],
        fix: str = _FIX,
    ) -> "ShardedStore":
        """Create an empty store, or open an unfinished one with the same layout and attributes.

        Args:
            location: a folder, a URL that fsspec knows, or a Zarr store.
            arrays: the rows of each array.
            rows: number of rows.
            shard_rows: rows per shard.
            attributes: plain values to keep in the store.
            fix: what to do, the end of every error's sentence.

        Raises:
            ArtifactError: the store exists with another layout or other attributes.
        """
        objects, layout = Objects(location), ShardLayout(arrays, rows, shard_rows)
        own = {_RESERVED: {"schema": SCHEMA, **layout.to_json()}}
        for key, data in metadata_objects(layout, {**attributes, **own}).items():
            present = objects.get(key)
            if present is None or _is_cut(present, data):
                objects.put(key, data)
            elif present != data:
                raise ArtifactError(f"{objects.name} holds a store of another layout; remove it and {fix}")
        store = ShardedStore(objects, layout, attributes, fix)
        store._records.start()
        return store

    @staticmethod
    def open(location: Location, fix: str = _FIX) -> "ShardedStore":
        """Open a store, complete or not. Raises ArtifactError if there is none or it is foreign."""
        objects = Objects(location)
        data = objects.get("zarr.json")
        if data is None:
            raise ArtifactError(f"there is no store in {objects.name}; {fix}")
        try:
            attributes = parse_json(bytes(data))["attributes"]
            own = attributes.pop(_RESERVED)
            if own["schema"] != SCHEMA:
                raise ArtifactError(
                    f"{objects.name} is a store of schema {own['schema']}, not {SCHEMA}; {fix}"
                )
            layout = ShardLayout.from_json(own)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(
                f"{objects.name}/zarr.json is damaged or foreign; remove it and {fix}"
            ) from error
        return ShardedStore(objects, layout, attributes, fix)

    @property
    def layout(self) -> ShardLayout:
        """Arrays, rows and shards."""
        return self._layout

    def spec(self, name: str) -> ArraySpec:
        """Return the form of an array. Raises ArtifactError if the store has no such array."""
        if name not in self._layout.arrays:
            raise ArtifactError(
                f"{self._objects.name} has no array {name!r}; it has {sorted(self._layout.arrays)}"
            )
        return self._layout.arrays[name]

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes given to `create`."""
        return dict(self._attributes)

    @property
    def rows(self) -> int:
        """The number of rows of each array."""
        return self._layout.rows

    @property
    def shards(self) -> int:
        """The number of shards."""
        return self._layout.shards

    def shard_range(self, shard: int) -> range:
        """Return the rows of a shard."""
        return self._layout.shard_range(shard)

    def write_shard(self, shard: int, rows: Mapping[str, np.ndarray]) -> None:
        """Write all arrays' rows of a shard, each (n, *shape) in the array's exact dtype.

        The bytes depend on the rows alone.

        Raises:
            ArtifactError: a name, shape or dtype is wrong (nothing is written), or the disk is full or fails.
        """
        self._layout.check_rows(shard, rows)
        encoded = {name: encode_shard(self._layout, name, shard, rows[name]) for name in self._layout.arrays}
        self._records.remove(shard)
        for name, data in encoded.items():
            self._objects.put(self._layout.object_key(name, shard), data)
        self._records.write(shard, encoded)

    def is_done(self, shard: int) -> bool:
        """Whether the shard was written and its objects still have their sizes."""
        self._layout.shard_range(shard)
        return self._records.read(shard) is not None

    def finish(self) -> None:
        """Mark the store complete. Raises ArtifactError that names the shards not done, if any."""
        self._records.finish()

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each shard's objects as written, by key. Raises as `read_shard`."""
        return self._records.checksums()

    def read_shard(self, shard: int, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Read all rows of a shard, each array (n, *shape): the fast way to read much.

        Args:
            shard: its number.
            names: the arrays to read, all by default. Uncompressed ones are read-only.

        Raises:
            ArtifactError: the store is incomplete, or the shard is missing or damaged.
        """
        self._records.require_complete()
        chosen = list(self._layout.arrays) if names is None else list(names)
        specs = [self.spec(name) for name in chosen]
        rows = self.shard_range(shard)
        found = self._objects.get_many([(self._layout.object_key(name, shard), None) for name in chosen])
        decoded = {}
        for name, spec, data in zip(chosen, specs, found, strict=True):
            try:
                decoded[name] = decode_shard(_require_present(data), spec, len(rows), self._layout.shard_rows)
            except DamagedShard as error:
                raise self._damaged(name, shard, error) from error
        return decoded

    def totals(self, names: Iterable[str]) -> dict[str, int]:
        """Sum each of these integer arrays over all rows. Raises as `read_shard`."""
        totals = dict.fromkeys(names, 0)
        for shard in range(self.shards):
            for name, rows in self.read_shard(shard, totals).items():
                totals[name] += int(rows.sum(dtype=np.int64))
        return totals

    def read(self, name: str, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Read any rows of one array in the given order, (len(rows), *shape), and only their bytes.

        Raises:
            ArtifactError: as `read_shard`, or a row does not exist.
        """
        self._records.require_complete()
        spec, wanted = self.spec(name), np.asarray(rows, dtype=np.int64)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < self.rows):
            raise ArtifactError(
                f"{self._objects.name} has rows 0 to {self.rows - 1}, not all of those asked for"
            )
        result = np.empty((len(wanted), *spec.shape), spec.dtype)
        shard_of = wanted // self._layout.shard_rows
        for shard in np.unique(shard_of).tolist():
            places = np.flatnonzero(shard_of == shard)
            try:
                result[places] = self._read_rows(name, shard, wanted[places] - self.shard_range(shard).start)
            except DamagedShard as error:
                raise self._damaged(name, shard, error) from error
        return result

    def _read_rows(self, name: str, shard: int, rows_in_shard: np.ndarray) -> np.ndarray:
        key, spec = self._layout.object_key(name, shard), self.spec(name)
        spans = self._index(name, shard)[rows_in_shard].tolist()
        found = self._objects.get_many(
            [(key, RangeByteRequest(start, start + size)) for start, size in spans]
        )
        return decode_rows([_require_present(chunk) for chunk in found], spec)

    def _index(self, name: str, shard: int) -> np.ndarray:
        if (name, shard) not in self._indices:
            size = index_size(self._layout.shard_rows)
            request = (self._layout.object_key(name, shard), SuffixByteRequest(size))
            tail = _require_present(self._objects.get_many([request])[0])
            self._indices[name, shard] = decode_index(
                tail, len(self.shard_range(shard)), self._layout.shard_rows
            )
        return self._indices[name, shard]

    def _damaged(self, name: str, shard: int, error: DamagedShard) -> ArtifactError:
        rows = self.shard_range(shard)
        path = f"{self._objects.name}/{self._layout.object_key(name, shard)}"
        return ArtifactError(
            f"shard {shard} of {name!r} (rows {rows.start} to {rows.stop - 1}) is damaged: {error}; "
            f"delete {path} and {self._fix}"
        )


def _require_present(data: memoryview | None) -> memoryview:
    if data is None:
        raise DamagedShard("it is missing")
    return data


def _is_cut(present: bytes, whole: bytes) -> bool:
    """Whether an object is the beginning of another: file systems do not put objects whole, as clouds do."""
    return len(present) < len(whole) and whole.startswith(present)
