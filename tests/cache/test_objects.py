"""A local folder read as an object store: what was read stays as it was, and parts are those of the whole."""

import errno
import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.storage import LocalStore

from ezsd.cache.objects import Location, Objects

CONTENT = bytes(range(200))


def read(location: Location, part: ByteRequest | None) -> bytes | None:
    objects = Objects(location)
    if objects.get("shard") != CONTENT:
        objects.put("shard", CONTENT)
    (found,) = objects.get_many([("shard", part)])
    return None if found is None else bytes(found)


def test_what_was_read_outlives_the_object(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    objects.put("a/shard", CONTENT)
    (before,) = objects.get_many([("a/shard", None)])
    objects.put("a/shard", b"newer")
    (after,) = objects.get_many([("a/shard", None)])
    objects.delete("a/shard")
    assert before is not None and after is not None
    assert bytes(before) == CONTENT and bytes(after) == b"newer" and before.readonly
    assert objects.get("a/shard") is None


def test_an_empty_object_is_one_and_a_folder_is_none(tmp_path: Path) -> None:
    objects = Objects(tmp_path)
    objects.put("a/empty", b"")
    assert objects.get("a/empty") == b"" and objects.get("a") is None and objects.get("a/empty/b") is None


def test_a_file_system_that_maps_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(mmap, "mmap", refuse)
    assert read(tmp_path, None) == CONTENT and read(tmp_path, RangeByteRequest(3, 5)) == CONTENT[3:5]


PARTS = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 199), st.integers(1, 200)).map(lambda at: RangeByteRequest(at[0], sum(at))),
    st.integers(0, 199).map(OffsetByteRequest),
    st.integers(1, 300).map(SuffixByteRequest),
)


@given(part=PARTS)
def test_parts_are_those_that_zarrs_own_store_gives(tmp_path_factory, part: ByteRequest | None) -> None:
    folder = tmp_path_factory.getbasetemp() / "objects"
    assert read(folder, part) == read(LocalStore(folder), part)
