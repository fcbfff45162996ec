"""What is read whole is compared with the manifest first."""

import os
from pathlib import Path

import pytest
from support.training_workplace import make_trained_workplace

from ezsd.cache import contents
from ezsd.cache.artifacts import Embedded, Renormed
from ezsd.cache.checked import read_checked, read_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.writing import begin, publish
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.models.detector import read_detector

FIX = "run it again"


def artifact(folder: Path, files: dict[str, bytes]) -> Path:
    begin(folder, "mine", {})
    for name, data in files.items():
        (folder / name).write_bytes(data)
    publish(folder, {}, {})
    return folder


def flip(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes, but not the size and the time."""
    before, data = path.stat(), path.read_bytes()
    assert len(old) == len(new) and old in data
    path.write_bytes(data.replace(old, new, 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def flip_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_flipped_bytes_of_the_same_size_are_refused(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "mine", {"a.json": b'{"names": ["cat"]}'})
    assert read_json(folder / "a.json", FIX) == {"names": ["cat"]}
    flip(folder / "a.json", b"cat", b"cow")
    with pytest.raises(ArtifactError, match=r"a\.json is damaged: its checksum does not agree; run it again"):
        read_json(folder / "a.json", FIX)


def test_a_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch) -> None:
    folder = artifact(tmp_path / "mine", {"a": b"one", "b": b"two"})
    hashed: list[str] = []
    checksum = contents.Contents.checksum
    monkeypatch.setattr(
        contents.Contents, "checksum", lambda self, name: hashed.append(name) or checksum(self, name)
    )
    for name in ("a", "b", "a", "b"):
        read_checked(folder / name, FIX)
    assert hashed == ["a", "b"]
    (folder / "a").write_bytes(b"one")
    os.utime(folder / "a", ns=(0, 0))
    read_checked(folder / "a", FIX)
    assert hashed == ["a", "b", "a"]


def test_a_file_that_no_manifest_lists_is_not_used(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "mine", {"a": b"one"})
    (folder / "b").write_bytes(b"two")
    with pytest.raises(ArtifactError, match="b is missing; run it again"):
        read_checked(folder / "b", FIX)


def test_a_stage_that_is_at_work_reads_its_own_files(tmp_path: Path) -> None:
    begin(tmp_path, "mine", {})
    (tmp_path / "part").write_bytes(b"one")
    assert read_checked(tmp_path / "part", FIX) == b"one"


def test_a_missing_file_is_a_sentence_with_or_without_a_manifest(tmp_path: Path) -> None:
    folder = artifact(tmp_path / "mine", {"a": b"one"})
    (folder / "a").unlink()
    for path in (folder / "a", tmp_path / "nothing"):
        with pytest.raises(ArtifactError, match="is missing; run it again"):
            read_checked(path, FIX)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a": NaN}', b"{", b"\xff", b"9" * 5000])
def test_json_that_is_not_ours_is_a_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(ArtifactError, match=r"a\.json is damaged: .*; run it again"):
        read_json(tmp_path / "a.json", FIX)


def test_every_reader_of_whole_files_checks_them(tmp_path: Path) -> None:
    place = make_trained_workplace(tmp_path)
    folder = place.root / "artifacts"

    readers = {
        "train/detector.safetensors": lambda: read_detector(folder / "train"),
        "train/detector.json": lambda: read_detector(folder / "train"),
        "renorm/renorm.h5": lambda: Renormed(folder / "renorm").read(),
        "prepare/train.h5": lambda: Prepared(folder / "prepare").train,
        "prepare/val.h5": lambda: Prepared(folder / "prepare").val,
        "prepare/split.json": lambda: Prepared(folder / "prepare").split,
        "prepare/quarantine.json": lambda: Prepared(folder / "prepare").quarantine,
        "embed/embeddings.zarr/zarr.json": lambda: Embedded(folder / "embed").store,
    }
    for name, read in readers.items():
        read()
        size = (folder / name).stat().st_size
        flip_byte(folder / name, size // 2)
        with pytest.raises(ArtifactError, match="its checksum does not agree"):
            read()
        flip_byte(folder / name, size // 2)
