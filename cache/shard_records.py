"""Records of the finished shards of a store: sizes and SHA-256 of each shard's objects.

A shard is done when its record exists; the record is written last. A finished store has all records in one
object. They are attributes of a Zarr group `shards`, so that the store stays an ordinary hierarchy.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from ezsd.cache.atomic import json_bytes, parse_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ShardLayout, name_shards
from ezsd.cache.objects import Objects

_COMPLETE = "shards/zarr.json"

Record = dict[str, Any]


class ShardRecords:
    """The records of one store; `fix` ends the sentence of every error."""

    def __init__(self, objects: Objects, layout: ShardLayout, fix: str) -> None:
        self._objects, self._layout, self._fix = objects, layout, fix
        self._finished: list[Record] | None = None
        self._complete = False

    def start(self) -> None:
        """Mark the store unfinished, unless it has a mark already."""
        if self._objects.get(_COMPLETE) is None:
            self._objects.put(_COMPLETE, _group_bytes({"complete": False}))

    def remove(self, shard: int) -> None:
        """Remove the record of a shard that is written anew."""
        self._objects.delete(_key(shard))

    def write(self, shard: int, encoded: Mapping[str, bytes]) -> None:
        """Record the bytes of a shard's objects, by array."""
        record = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in encoded.items()
        }
        self._objects.put(_key(shard), _group_bytes({"objects": record}))

    def read(self, shard: int) -> Record | None:
        """Return the shard's record, if its objects exist with their sizes."""
        data = self._objects.get(_key(shard))
        record = _attributes(data).get("objects") if data is not None else self._gathered(shard)
        if not isinstance(record, dict) or record.keys() != self._layout.arrays.keys():
            return None
        sizes = self._objects.sizes(self._layout.object_key(name, shard) for name in record)
        return record if sizes == [entry["bytes"] for entry in record.values()] else None

    def finish(self) -> None:
        """Gather the records. Raises ArtifactError that names the shards not done, if any."""
        records = [self.read(shard) for shard in range(self._layout.shards)]
        missing = [shard for shard, record in enumerate(records) if record is None]
        if missing:
            raise ArtifactError(
                f"{self._objects.name} is incomplete: of its {self._layout.shards} shards these are not "
                f"done: {name_shards(missing)}; {self._fix}"
            )
        self._objects.put(_COMPLETE, _group_bytes({"complete": True, "records": records}))
        self._finished = [record for record in records if record is not None]
        for name in self._objects.names_below("shards"):
            if name != "zarr.json":
                self._objects.delete_below(f"shards/{name}")

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of each shard's objects as written, by key. Raises as `require_complete`."""
        self.require_complete()
        return {
            self._layout.object_key(name, shard): entry["sha256"]
            for shard in range(self._layout.shards)
            for name, entry in (self._gathered(shard) or {}).items()
        }

    def require_complete(self) -> None:
        """Raise ArtifactError unless the store is finished."""
        if self._complete:
            return
        marks = _attributes(self._objects.get(_COMPLETE))
        if not marks.get("complete") or len(marks.get("records", [])) != self._layout.shards:
            raise ArtifactError(f"{self._objects.name} is incomplete, so it cannot be read; {self._fix}")
        self._complete = True

    def _gathered(self, shard: int) -> Record | None:
        """Return the shard's record in a store that was finished before."""
        if self._finished is None:
            self._finished = _attributes(self._objects.get(_COMPLETE)).get("records", [])
        return self._finished[shard] if shard < len(self._finished) else None


def _key(shard: int) -> str:
    return f"shards/{shard}/zarr.json"


def _group_bytes(attributes: Mapping[str, Any]) -> bytes:
    return json_bytes({"attributes": attributes, "node_type": "group", "zarr_format": 3})


def _attributes(data: bytes | None) -> dict[str, Any]:
    """Return attributes of a group's `zarr.json`; empty, which means not done, when missing or damaged."""
    try:
        return parse_json(bytes(data or b"{}")).get("attributes", {})
    except (ValueError, AttributeError):
        return {}
