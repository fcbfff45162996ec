"""A stage's folder is begun, resumed, completed and wiped, and files of others in it are left alone."""

import errno
import os
from pathlib import Path

import pytest
from support.published import INPUTS, changed, publish_artifact

from ezsd.cache import manifest, writing
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import wipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return publish_artifact(tmp_path)


def test_begin_resumes_the_same_and_wipes_another(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert writing.begin(folder, "mine", INPUTS) is False
    (folder / "half").write_bytes(b"work")
    assert writing.begin(folder, "mine", INPUTS) is True
    assert (folder / "half").read_bytes() == b"work"
    assert writing.begin(folder, "mine", changed(nms_iou=0.6)) is False
    assert os.listdir(folder) == ["incomplete.json"]


def test_begin_sweeps_what_a_killed_writer_left(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    writing.begin(folder, "mine", INPUTS)
    leftover = folder / f".shard.{'0' * 32}.part"
    leftover.write_bytes(b"half")
    writing.begin(folder, "mine", INPUTS)
    assert not leftover.exists()
    leftover.write_bytes(b"of a worker that died later")
    assert writing.publish(folder, {}, {}).files == {}


def test_begin_again_keeps_what_is_intact_and_drops_what_is_not(folder: Path) -> None:
    (folder / "boxes" / "1").write_bytes(b"stranger")
    (folder / "names.txt").write_bytes(b"edited")
    assert writing.begin(folder, "mine", INPUTS) is True
    assert (folder / "boxes" / "0").read_bytes() == b"shard zero"
    assert sorted(path.name for path in folder.rglob("*")) == ["0", "boxes", "incomplete.json"]


def test_begin_drops_a_file_damaged_in_place(folder: Path) -> None:
    (folder / "boxes" / "0").write_bytes(b"shard zerO")
    assert manifest.is_current(folder, INPUTS)  # sizes agree
    writing.begin(folder, "mine", INPUTS)
    assert not (folder / "boxes" / "0").exists()


def test_killed_between_manifest_and_mark_ends_with_the_same(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    writing.begin(folder, "mine", INPUTS)
    claim = (folder / "incomplete.json").read_bytes()
    writing.publish(folder, {"rows": 2}, {"protocol": "names known"})
    (folder / "incomplete.json").write_bytes(claim)
    assert not manifest.is_current(folder, INPUTS)
    assert writing.begin(folder, "mine", INPUTS) is True
    writing.publish(folder, {"rows": 2}, {"protocol": "names known"})
    assert (folder / "manifest.json").read_bytes() == before


def test_files_that_no_stage_made_are_not_removed(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"photo")
    with pytest.raises(ArtifactError, match=r"mine did not make, such as holiday\.jpg; move them away"):
        writing.begin(tmp_path, "mine", INPUTS)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"photo"


@pytest.mark.parametrize("theirs", ['{"name": "my web app"}', '{"stage": "embed"}'])
def test_a_manifest_of_somebody_else_protects_its_folder(tmp_path: Path, theirs: str) -> None:
    (tmp_path / "manifest.json").write_text(theirs)
    (tmp_path / "holiday.jpg").write_bytes(b"photo")
    with pytest.raises(ArtifactError, match=r"mine did not make, such as manifest\.json; move them away"):
        writing.begin(tmp_path, "mine", INPUTS)
    assert (tmp_path / "manifest.json").read_text() == theirs
    assert (tmp_path / "holiday.jpg").read_bytes() == b"photo"


def test_publish_needs_begin(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not begun"):
        writing.publish(tmp_path, {}, {})


def test_a_full_disk_while_publishing_leaves_work_to_resume(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "mine"
    writing.begin(folder, "mine", INPUTS)
    (folder / "shard").write_bytes(b"done")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(ArtifactError, match="disk is full"):
        patch.setattr(os, "fsync", full)
        writing.publish(folder, {}, {})
    assert sorted(os.listdir(folder)) == ["incomplete.json", "shard"]
    assert writing.begin(folder, "mine", INPUTS) is True
    writing.publish(folder, {}, {})
    assert manifest.is_current(folder, INPUTS)


def test_read_only_hard_links_are_wiped_and_their_twins_kept_as_they_are(
    folder: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "dvc-cache"
    os.link(folder / "boxes" / "0", twin)
    twin.chmod(0o444)
    (folder / "link").symlink_to(twin)
    writing.begin(folder, "mine", changed(nms_iou=0.6))
    assert os.listdir(folder) == ["incomplete.json"]
    assert twin.read_bytes() == b"shard zero"
    assert twin.stat().st_mode & 0o777 == 0o444


def test_wiping_removes_the_marks_last(folder: Path, monkeypatch) -> None:
    (folder / "zzz").write_bytes(b"")
    removed: list[str] = []
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, **kw: (removed.append(path.name), unlink(path, **kw)))
    wipe(folder)
    assert removed[-2:] == ["manifest.json", "incomplete.json"]
    assert os.listdir(folder) == []
