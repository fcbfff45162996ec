"""The sharded store: what is written comes back, and plain Zarr reads it."""

import multiprocessing
import pickle
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from support.filled_stores import ARRAYS, content, filled, part, tree
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec, ShardLayout
from ezsd.cache.shard_codec import metadata_objects
from ezsd.cache.sharded import ShardedStore


@settings(max_examples=15, deadline=None)
@given(
    rows=st.integers(0, 14),
    shard_rows=st.integers(1, 9),
    shape=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    dtype=st.sampled_from(["f4", "f2", "i8", "i4", "i1", "u1", "?"]),
    compressed=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_any_rows_come_back_whatever_the_write_order(
    rows, shard_rows, shape, dtype, compressed, order
) -> None:
    arrays = {"values": ArraySpec(shape, dtype, 0, compressed), "count": ArraySpec((), "i4", 0)}
    data = content(rows, arrays, seed=rows)
    with tempfile.TemporaryDirectory() as folder:
        store = ShardedStore.create(folder, arrays, rows, shard_rows, {})
        shards = list(range(store.shards))
        order.shuffle(shards)
        for shard in shards:
            store.write_shard(shard, part(data, store.shard_range(shard)))
        store.finish()
        reader = ShardedStore.open(folder)
        asked = [order.randrange(rows) for _ in range(5)] if rows else []
        for name, array in data.items():
            parts = [reader.read_shard(shard)[name] for shard in range(reader.shards)]
            assert sum(map(len, parts)) == rows
            if rows:
                np.testing.assert_array_equal(np.concatenate(parts), array)
            np.testing.assert_array_equal(reader.read(name, asked), array[asked])
            np.testing.assert_array_equal(zarr.open_group(folder, mode="r")[name][:], array)


def test_plain_zarr_reads_it_without_a_warning(tmp_path: Path) -> None:
    data = content(10)
    filled(tmp_path / "store", data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(tmp_path / "store", mode="r")
        assert dict(group.arrays()).keys() == ARRAYS.keys()
        assert group.attrs["names"] == ["a", "b"]
        assert [name for name, _ in group.groups()] == ["shards"]
    for name, array in data.items():
        assert group[name].shards == (4, *ARRAYS[name].shape)
        assert group[name].chunks == (1, *ARRAYS[name].shape)
        np.testing.assert_array_equal(group[name][:], array)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_shard_has_the_bytes_that_zarr_writes(tmp_path: Path, name: str) -> None:
    data = content(10)
    data[name][4:6] = ARRAYS[name].fill
    filled(tmp_path / "store", data)
    objects: dict[str, Buffer] = {}
    for key, metadata in metadata_objects(ShardLayout(ARRAYS, 10, 4), {}).items():
        objects[key] = default_buffer_prototype().buffer.from_bytes(metadata)
    group = zarr.open_group(MemoryStore(objects), mode="r+")
    group[name].with_config({"write_empty_chunks": True})[:] = data[name]
    shards = {key: value.to_bytes() for key, value in objects.items() if key.startswith(f"{name}/c/")}
    assert len(shards) == 3
    for key, written_by_zarr in shards.items():
        assert (tmp_path / "store" / key).read_bytes() == written_by_zarr


def test_no_rows_is_a_complete_store(tmp_path: Path) -> None:
    filled(tmp_path / "store", content(0))
    store = ShardedStore.open(tmp_path / "store")
    assert (store.rows, store.shards) == (0, 0)
    assert store.read("boxes_xyxy", []).shape == (0, 3, 4)
    with pytest.raises(ArtifactError, match="no shard 0; the store has 0"):
        store.read_shard(0)


def test_layout_and_attributes_come_back(tmp_path: Path) -> None:
    filled(tmp_path / "store", content(10))
    store = ShardedStore.open(tmp_path / "store")
    assert store.layout == ShardLayout(
        {name: replace(spec, dtype=np.dtype(spec.dtype).str) for name, spec in ARRAYS.items()},
        10,
        4,
    )
    assert store.attributes == {"names": ["a", "b"]}
    assert [store.shard_range(shard) for shard in range(store.shards)] == [
        range(4),
        range(4, 8),
        range(8, 10),
    ]


def test_only_the_named_arrays_are_read_and_can_be_changed(tmp_path: Path) -> None:
    data = content(10)
    found = filled(tmp_path / "store", data).read_shard(2, ["labels"])
    assert found.keys() == {"labels"}
    found["labels"] += 1
    np.testing.assert_array_equal(found["labels"], data["labels"][8:] + 1)


def test_rows_come_in_the_order_asked_for_and_twice_if_asked_twice(tmp_path: Path) -> None:
    data = content(10)
    store = filled(tmp_path / "store", data)
    np.testing.assert_array_equal(
        store.read("embeddings", np.array([9, 0, 9, 4])), data["embeddings"][[9, 0, 9, 4]]
    )
    with pytest.raises(ArtifactError, match="has rows 0 to 9"):
        store.read("embeddings", [10])
    with pytest.raises(ArtifactError, match="has rows 0 to 9"):
        store.read("embeddings", [-1])
    with pytest.raises(ArtifactError, match=r"no array 'scores'; it has \['boxes_xyxy', 'count'"):
        store.read("scores", [0])


def test_a_store_in_memory_behaves_alike(tmp_path: Path) -> None:
    data, memory = content(10), MemoryStore()
    filled(memory, data)
    store = ShardedStore.open(memory)
    np.testing.assert_array_equal(store.read("embeddings", [9, 1]), data["embeddings"][[9, 1]])
    np.testing.assert_array_equal(store.read_shard(2)["labels"], data["labels"][8:])
    assert [store.is_done(shard) for shard in range(3)] == [True] * 3


def test_a_url_names_a_store_of_the_same_objects(tmp_path: Path) -> None:
    data, bucket = content(10), fsspec.filesystem("memory")
    filled("memory://bucket/mine", data)
    filled(tmp_path, data)
    objects = {
        name.removeprefix("/bucket/mine/"): bucket.cat_file(name) for name in bucket.find("/bucket/mine")
    }
    assert objects == tree(tmp_path)
    store = ShardedStore.open("memory://bucket/mine")
    np.testing.assert_array_equal(store.read("embeddings", [9, 1]), data["embeddings"][[9, 1]])
    with pytest.raises(ArtifactError, match="no store in memory://bucket/nothing"):
        ShardedStore.open("memory://bucket/nothing")


def test_a_store_at_a_url_can_be_read_after_a_fork(tmp_path: Path) -> None:
    data = content(10)
    store = filled(f"file://{tmp_path}/store", data)
    forks = multiprocessing.get_context("fork")
    receiver, sender = forks.Pipe(duplex=False)
    child = forks.Process(target=lambda: sender.send(store.read_shard(2, ["labels"])))
    child.start()
    assert receiver.poll(60)
    np.testing.assert_array_equal(receiver.recv()["labels"], data["labels"][8:])
    child.join()


def test_it_travels_to_other_processes(tmp_path: Path) -> None:
    data = content(10)
    store = pickle.loads(pickle.dumps(filled(tmp_path / "store", data)))
    np.testing.assert_array_equal(store.read_shard(0)["labels"], data["labels"][:4])
