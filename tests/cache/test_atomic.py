"""A file is whole or not there, and a failed write says in one sentence what to do."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from ezsd.cache import atomic
from ezsd.cache.atomic import (
    find_leftovers,
    json_bytes,
    parse_json,
    sweep_leftovers,
    write_bytes_atomic,
    write_json_atomic,
)
from ezsd.cache.errors import ArtifactError


def failing(code: int):
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_writes_exactly_the_bytes_into_folders_it_makes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "file.bin"
    write_bytes_atomic(path, b"one")
    write_bytes_atomic(path, b"")
    assert path.read_bytes() == b""
    assert [found.name for found in path.parent.iterdir()] == ["file.bin"]


def test_new_files_follow_the_umask_as_others_do(tmp_path: Path) -> None:
    write_bytes_atomic(tmp_path / "ours", b"x")
    (tmp_path / "plain").write_bytes(b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_shared_read_only_link_is_replaced_and_its_twin_untouched(tmp_path: Path) -> None:
    twin, path = tmp_path / "dvc-cache", tmp_path / "artifact"
    twin.write_bytes(b"old")
    twin.chmod(0o444)
    os.link(twin, path)
    write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert twin.read_bytes() == b"old"
    assert stat.S_IMODE(twin.stat().st_mode) == 0o444


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "shard"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing(code))
    with pytest.raises(ArtifactError) as caught:
        write_bytes_atomic(path, b"x" * 12345)
    message = str(caught.value)
    assert str(path) in message
    assert "12,345 bytes" in message
    assert "disk is full" in message
    assert "free space and run again, finished shards are kept" in message
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["shard"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EIO])
def test_a_refusing_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(os, "replace", failing(code))
    with pytest.raises(
        ArtifactError, match=rf"cannot write .*shard \(3 bytes\): {os.strerror(code)}; .*run again"
    ):
        write_bytes_atomic(tmp_path / "shard", b"abc")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot write"):
        write_bytes_atomic(tmp_path / "taken" / "file", b"abc")


def test_leftovers_of_a_killed_writer_are_swept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for keep in ("a.part", ".hidden", ".b.1234.part", "c"):
        (tmp_path / keep).write_bytes(b"")

    def killed(*_: object, **__: object) -> None:
        raise SystemExit  # nothing after the write happens, as under SIGKILL

    monkeypatch.setattr(atomic.os, "replace", killed)
    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(SystemExit):
        write_bytes_atomic(tmp_path / "deep" / "shard", b"abc")
    monkeypatch.undo()
    assert len(list(find_leftovers(tmp_path))) == 1
    assert sweep_leftovers(tmp_path) == 1
    assert list((tmp_path / "deep").iterdir()) == []
    assert len(list(tmp_path.iterdir())) == 5


def test_json_is_canonical(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "a.json", {"b": np.float64(0.5), "a": [np.int32(1), "ä"], "c": np.arange(2)})
    assert (
        tmp_path / "a.json"
    ).read_text() == '{\n "a": [\n  1,\n  "ä"\n ],\n "b": 0.5,\n "c": [\n  0,\n  1\n ]\n}\n'
    assert json_bytes({"x": 1, "y": 2}) == json_bytes({"y": 2, "x": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {"a": {1, 2}}])
def test_what_json_cannot_hold_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ArtifactError, match="cannot be written as JSON"):
        write_json_atomic(tmp_path / "a.json", value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000])
def test_deep_json_is_refused(deep: bytes) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(deep)
