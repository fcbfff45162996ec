"""Encode and decode the bytes of one Zarr v3 shard.

A shard is its chunks, zstd frames with a checksum or plain rows with a CRC32C, and at the end an index of
(offset, length) pairs with a CRC32C. Zarr makes a call per chunk; direct reading and writing takes a fraction
of its time, and a missing chunk is an error where Zarr returns the fill value.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from google_crc32c import value as crc32c
from numcodecs import Zstd
from numpy.lib.stride_tricks import as_strided
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from ezsd.cache.layout import ArraySpec, ShardLayout

_EMPTY = np.uint64(2**64 - 1)
_ZSTD_LEVEL = 1
_ZSTD = Zstd(level=_ZSTD_LEVEL, checksum=True)
_CRC_BYTES = 4


class DamagedShard(ValueError):
    """The bytes are not a whole shard; the message says what is wrong."""


def metadata_objects(layout: ShardLayout, attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the `zarr.json` of the group (with `attributes`) and of each array, by key; the group's last."""
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
            compressors=ZstdCodec(level=_ZSTD_LEVEL, checksum=True) if spec.compressed else Crc32cCodec(),
        )
    keys = sorted(objects, key=lambda key: (key == "zarr.json", key))
    return {key: objects[key].to_bytes() for key in keys}


def encode_shard(layout: ShardLayout, name: str, shard: int, rows: np.ndarray) -> bytes:
    """Encode `rows` (n, *shape) of a shard of array `name` as the bytes that Zarr would write.

    Every chunk is written, even one with only the fill value: a missing chunk is always an error.
    """
    spec, count = layout.arrays[name], len(layout.shard_range(shard))
    flat = np.ascontiguousarray(rows).reshape(count, -1).view(np.uint8)
    pack = _compress if spec.compressed else _append_checksum
    chunks = [pack(row.data) for row in flat]
    sizes = np.array([len(chunk) for chunk in chunks], np.uint64)
    index = np.full((layout.shard_rows, 2), _EMPTY, "<u8")
    index[:count, 0] = np.cumsum(sizes) - sizes
    index[:count, 1] = sizes
    return b"".join([*chunks, _append_checksum(index.data)])


def index_size(shard_rows: int) -> int:
    """Return the size in bytes of the index at the end of a shard."""
    return 16 * shard_rows + _CRC_BYTES


def decode_index(tail: memoryview, rows: int, shard_rows: int) -> np.ndarray:
    """Return offsets and lengths in bytes, int64 (rows, 2), from the last `index_size` bytes of a shard.

    Raises:
        DamagedShard: the index is damaged, or has other chunks than exactly the first `rows`.
    """
    if len(tail) != index_size(shard_rows):
        raise DamagedShard("it is too short for its index")
    if not _agrees(tail[:-_CRC_BYTES], tail[-_CRC_BYTES:]):
        raise DamagedShard("the checksum of its index does not agree")
    index = np.frombuffer(tail[:-_CRC_BYTES], "<u8").reshape(shard_rows, 2)
    if (index[:rows] == _EMPTY).any() or (index[rows:] != _EMPTY).any():
        raise DamagedShard(f"it does not hold {rows} rows")
    return index[:rows].astype(np.int64)


def decode_rows(chunks: Sequence[memoryview], spec: ArraySpec) -> np.ndarray:
    """Decode rows (n, *spec.shape) from their n chunks. Raises DamagedShard."""
    unpack = _decompress if spec.compressed else _check
    rows = np.empty((len(chunks), _row_bytes(spec)), np.uint8)
    for row, chunk in zip(rows, chunks, strict=True):
        row[:] = np.frombuffer(unpack(chunk, spec), np.uint8)
    return rows.view(spec.dtype).reshape(len(chunks), *spec.shape)


def decode_shard(data: memoryview, spec: ArraySpec, rows: int, shard_rows: int) -> np.ndarray:
    """Decode all rows of a shard, (rows, *spec.shape); for an uncompressed array a read-only view of `data`.

    Raises:
        DamagedShard: a checksum or size does not agree.
    """
    index = decode_index(data[-index_size(shard_rows) :], rows, shard_rows)
    chunks = [data[offset : offset + length] for offset, length in index.tolist()]
    return decode_rows(chunks, spec) if spec.compressed else _view_rows(data, index[:, 0], chunks, spec)


def _view_rows(
    data: memoryview, offsets: np.ndarray, chunks: Sequence[memoryview], spec: ArraySpec
) -> np.ndarray:
    for chunk in chunks:
        _check(chunk, spec)
    distance = _row_bytes(spec) + _CRC_BYTES
    if (np.diff(offsets) != distance).any():
        raise DamagedShard("its rows do not follow one another")
    first: np.ndarray = np.ndarray(spec.shape, spec.dtype, data, int(offsets[0]))
    return as_strided(first, (len(chunks), *spec.shape), (distance, *first.strides), writeable=False)


def _check(chunk: memoryview, spec: ArraySpec) -> memoryview:
    """Return the row of an uncompressed chunk after comparing the CRC32C at its end."""
    row, checksum = chunk[:-_CRC_BYTES], chunk[-_CRC_BYTES:]
    _require_size(row, spec)
    if not _agrees(row, checksum):
        raise DamagedShard("its bytes do not agree with their checksum")
    return row


def _decompress(chunk: memoryview, spec: ArraySpec) -> bytes:
    try:
        row = _ZSTD.decode(chunk)
    except (RuntimeError, ValueError) as error:
        raise DamagedShard("its compressed bytes do not agree with their checksum") from error
    _require_size(row, spec)
    return row


def _compress(row: memoryview) -> bytes:
    return bytes(_ZSTD.encode(row))


def _append_checksum(data: memoryview) -> bytes:
    plain = data.tobytes()
    return plain + int(crc32c(plain)).to_bytes(_CRC_BYTES, "little")


def _agrees(data: memoryview, checksum: memoryview) -> bool:
    return crc32c(bytes(data)) == int.from_bytes(checksum, "little")  # the library takes no memoryview


def _require_size(row: bytes | memoryview, spec: ArraySpec) -> None:
    if len(row) != _row_bytes(spec):
        raise DamagedShard(f"a row has {len(row)} bytes instead of {_row_bytes(spec)}")


def _row_bytes(spec: ArraySpec) -> int:
    return np.dtype(spec.dtype).itemsize * math.prod(spec.shape)
