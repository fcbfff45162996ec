"""Rows to the bytes of one Zarr v3 shard and back.

Encoding is Zarr's own. Decoding reads the same format directly: a shard is its chunks, zstd frames with a
checksum, and at the end an index of (offset, length) pairs with a CRC32C. One call decodes a shard where Zarr
takes a call for each chunk, and what is not there is an error where Zarr returns the fill value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from google_crc32c import value as crc32c
from numcodecs import Zstd
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from cache.layout import ArraySpec, ShardLayout

_EMPTY = np.uint64(2**64 - 1)
_ZSTD_LEVEL = 1
_ZSTD = Zstd(level=_ZSTD_LEVEL)


class DamagedShard(ValueError):
    """The bytes are not those of a whole shard; the message says what is wrong with them."""


def metadata_objects(layout: ShardLayout, attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """The `zarr.json` of the group (with `attributes`) and of each array, by key; the group's comes last."""
    objects: dict[str, Buffer] = {}
    group = zarr.create_group(MemoryStore(objects), attributes=dict(attributes))
    for name, spec in layout.arrays.items():
        group.create_array(
            name,
            shape=(layout.rows, *spec.shape),
            shards=(layout.shard_rows, *spec.shape),
            chunks=(1, *spec.shape),
            dtype=np.dtype(spec.dtype),
            fill_value=spec.fill,
            compressors=ZstdCodec(level=_ZSTD_LEVEL, checksum=True),
        )
    keys = sorted(objects, key=lambda key: (key == "zarr.json", key))
    return {key: objects[key].to_bytes() for key in keys}


def encode_shard(layout: ShardLayout, name: str, shard: int, rows: np.ndarray, metadata: bytes) -> bytes:
    """The object that holds `rows` (n, *shape) of a shard of array `name`, whose `zarr.json` is `metadata`.

    Every chunk is written, also one that holds only the fill value: what is not there is always an error.
    """
    objects = {"zarr.json": default_buffer_prototype().buffer.from_bytes(metadata)}
    array = zarr.open_array(MemoryStore(objects)).with_config({"write_empty_chunks": True})
    covered = layout.shard_range(shard)
    array[covered.start : covered.stop] = rows
    return objects[layout.object_key(name, shard).removeprefix(f"{name}/")].to_bytes()


def index_size(shard_rows: int) -> int:
    """Bytes that the index takes at the end of a shard."""
    return 16 * shard_rows + 4


def decode_index(tail: bytes, rows: int, shard_rows: int) -> np.ndarray:
    """Offsets and lengths in bytes, int64 (rows, 2), from the last `index_size` bytes of a shard.

    Raises DamagedShard unless exactly the first `rows` chunks are there.
    """
    if len(tail) != index_size(shard_rows):
        raise DamagedShard("it is too short for its index")
    if crc32c(tail[:-4]) != int.from_bytes(tail[-4:], "little"):
        raise DamagedShard("the checksum of its index does not agree")
    index = np.frombuffer(tail[:-4], "<u8").reshape(shard_rows, 2)
    if (index[:rows] == _EMPTY).any() or (index[rows:] != _EMPTY).any():
        raise DamagedShard(f"it does not hold {rows} rows")
    return index[:rows].astype(np.int64)


def decode_rows(chunks: Sequence[bytes | memoryview], spec: ArraySpec) -> np.ndarray:
    """Rows (n, *spec.shape) from their n chunks. Raises DamagedShard."""
    size = np.dtype(spec.dtype).itemsize * math.prod(spec.shape)
    rows = np.empty((len(chunks), size), np.uint8)
    for row, chunk in zip(rows, chunks, strict=True):
        row[:] = np.frombuffer(_decompress(chunk, size), np.uint8)
    return rows.view(spec.dtype).reshape(len(chunks), *spec.shape)


def decode_shard(data: bytes, spec: ArraySpec, rows: int, shard_rows: int) -> np.ndarray:
    """All rows of a shard, (rows, *spec.shape). Raises DamagedShard."""
    index = decode_index(data[-index_size(shard_rows) :], rows, shard_rows)
    view = memoryview(data)
    return decode_rows([view[offset : offset + length] for offset, length in index.tolist()], spec)


def _decompress(chunk: bytes | memoryview, size: int) -> bytes:
    try:
        data = _ZSTD.decode(chunk)
    except (RuntimeError, ValueError) as error:
        raise DamagedShard("its compressed bytes do not agree with their checksum") from error
    if len(data) != size:
        raise DamagedShard(f"a row has {len(data)} bytes instead of {size}")
    return data
