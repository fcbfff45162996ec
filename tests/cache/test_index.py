"""The dataset index: a round trip, the same bytes again, and one sentence for what is wrong."""

import dataclasses
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable, read_index, write_index


def index_of(counts: list[int], names: list[str] | None = None) -> DatasetIndex:
    """An index whose photo i has counts[i] boxes."""
    generator, total, photos = np.random.default_rng(0), sum(counts), len(counts)
    corners = generator.uniform(0, 100, (total, 2)).astype(np.float32)
    return DatasetIndex(
        PhotoTable(
            image_ids=np.arange(photos, dtype=np.int64) * 10 + 139870,
            file_names=names or [f"val/{number:012d}.jpg" for number in range(photos)],
            sizes_wh=np.tile(np.array([[640, 480]], np.int32), (photos, 1)),
            digests=generator.integers(0, 256, (photos, 16), dtype=np.uint8),
        ),
        BoxTable(
            offsets=np.cumsum([0, *counts]).astype(np.int64),
            boxes_xyxy=np.concatenate([corners, corners + 5], axis=1),
            labels=generator.integers(0, 48, total).astype(np.int32),
            annotation_ids=np.arange(total, dtype=np.int64) + 2**40,
            areas=np.full(total, 25, np.float32),
            crowd=generator.integers(0, 2, total).astype(bool),
        ),
    )


def assert_same(one: object, other: object) -> None:
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        else:
            assert a == b


def test_round_trip(tmp_path: Path) -> None:
    index = index_of([2, 0, 3], names=["ä/日本.jpg", "b b.png", "c"])
    write_index(tmp_path / "train.h5", index)
    found = read_index(tmp_path / "train.h5")
    assert_same(index.photos, found.photos)
    assert_same(index.boxes, found.boxes)
    assert (len(found), len(found.photos), len(found.boxes)) == (3, 3, 5)


def test_boxes_of_a_photo(tmp_path: Path) -> None:
    index = index_of([2, 0, 3])
    last = index.boxes_of(2)
    assert len(last) == 3
    np.testing.assert_array_equal(last.boxes_xyxy, index.boxes.boxes_xyxy[2:])
    np.testing.assert_array_equal(last.annotation_ids, index.boxes.annotation_ids[2:])
    assert index.boxes_of(1).boxes_xyxy.shape == (0, 4)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(0, 4), max_size=6), data=st.data())
def test_any_counts_and_names_come_back(tmp_path: Path, counts: list[int], data) -> None:
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
    names = data.draw(st.lists(text, min_size=len(counts), max_size=len(counts)))
    index = index_of(counts, names)
    write_index(tmp_path / "index.h5", index)
    found = read_index(tmp_path / "index.h5")
    assert found.photos.file_names == names
    assert_same(index.boxes, found.boxes)


def test_no_photos_and_no_boxes(tmp_path: Path) -> None:
    for name, index in {"empty": index_of([]), "photos": index_of([0, 0])}.items():
        write_index(tmp_path / name, index)
        assert_same(read_index(tmp_path / name).boxes, index.boxes)
    assert_same(index_of([0, 0]).boxes, BoxTable.empty(2))
    assert len(index_of([0, 0]).boxes_of(1)) == 0


def test_the_same_content_is_the_same_bytes_at_another_time(tmp_path: Path) -> None:
    write_index(tmp_path / "one.h5", index_of([2, 0, 3]))
    time.sleep(1.1)  # HDF5 counts times in seconds
    write_index(tmp_path / "two" / "another-name.h5", index_of([2, 0, 3]))
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two" / "another-name.h5").read_bytes()


def test_as_many_as_coco_has(tmp_path: Path) -> None:
    counts = [7] * 118_287
    write_index(tmp_path / "train.h5", index_of(counts))
    index = read_index(tmp_path / "train.h5")
    assert (len(index.photos), len(index.boxes)) == (118_287, 828_009)
    assert (tmp_path / "train.h5").stat().st_size < 60e6


@pytest.mark.parametrize(
    ("table", "change", "says"),
    [
        ("photos", {"image_ids": np.array([1, 1], np.int64)}, "image id 1 comes twice or out of order"),
        ("photos", {"image_ids": np.array([2, 1], np.int64)}, "image id 1 comes twice or out of order"),
        ("photos", {"image_ids": np.array([1, 2], np.int32)}, r"image_ids must be int64 \(2,\), but int32"),
        ("photos", {"file_names": ["a"]}, "2 image ids came with 1 file names"),
        ("photos", {"file_names": ["a", "b\0"]}, "zero byte"),
        ("photos", {"file_names": ["a", "\ud800"]}, "not valid Unicode"),
        ("photos", {"sizes_wh": np.zeros((2, 3), np.int32)}, r"sizes_wh must be int32 \(2, 2\)"),
        ("boxes", {"offsets": np.array([0, 3, 2], np.int64)}, "offsets must rise from 0 to the 3 boxes"),
        ("boxes", {"offsets": np.array([0, 1, 2], np.int64)}, "offsets must rise"),
        ("boxes", {"offsets": np.array([0, 3], np.int64)}, r"offsets must be int64 \(3,\)"),
        (
            "boxes",
            {"boxes_xyxy": np.zeros((3, 4), np.float64)},
            r"boxes_xyxy must be float32 \(3, 4\), but float64",
        ),
        ("boxes", {"labels": np.array([0, -1, 0], np.int32)}, "negative label"),
        ("boxes", {"annotation_ids": np.array([2, 1, 3], np.int64)}, "ordered by annotation id"),
        ("boxes", {"annotation_ids": np.array([1, 1, 3], np.int64)}, "ordered by annotation id"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tmp_path: Path, table: str, change: dict, says: str) -> None:
    index = index_of([2, 1])
    wrong = dataclasses.replace(index, **{table: dataclasses.replace(getattr(index, table), **change)})
    with pytest.raises(ArtifactError, match=says):
        write_index(tmp_path / "index.h5", wrong)
    assert list(tmp_path.iterdir()) == []


def test_annotation_ids_may_fall_from_photo_to_photo(tmp_path: Path) -> None:
    index = index_of([2, 0, 1])
    boxes = dataclasses.replace(index.boxes, annotation_ids=np.array([8, 9, 1], np.int64))
    write_index(tmp_path / "index.h5", dataclasses.replace(index, boxes=boxes))
    assert read_index(tmp_path / "index.h5").boxes_of(2).annotation_ids.tolist() == [1]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"train\.h5 is missing; run the stage"):
        read_index(tmp_path / "train.h5")


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_a_truncated_file(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "train.h5"
    write_index(path, index_of([2] * 100))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else int(kept)])
    with pytest.raises(ArtifactError, match=r"train\.h5 is truncated or damaged; delete it and run"):
        read_index(path)


def test_a_changed_box_is_noticed(tmp_path: Path) -> None:
    path, index = tmp_path / "train.h5", index_of([2] * 100)
    write_index(path, index)
    data = path.read_bytes()
    box = index.boxes.boxes_xyxy[50].tobytes()
    path.write_bytes(data.replace(box, b"\0" * 16))
    with pytest.raises(ArtifactError, match="truncated or damaged"):
        read_index(path)


def test_foreign_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ArtifactError, match="is not a dataset index but a foreign file"):
        read_index(tmp_path / "other.h5")
    write_index(tmp_path / "old.h5", index_of([1]))
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["schema"] = 9
    with pytest.raises(ArtifactError, match=r"another version \(schema 9, not 1\)"):
        read_index(tmp_path / "old.h5")
    write_index(tmp_path / "lacks.h5", index_of([1]))
    with h5py.File(tmp_path / "lacks.h5", "r+") as file:
        del file["boxes/crowd"]
    with pytest.raises(ArtifactError, match="truncated or damaged"):
        read_index(tmp_path / "lacks.h5")
