"""One run makes an artifact at a time; others see it, and a disk that refuses is a sentence."""

import os
from pathlib import Path

import pytest

from ezsd.cache import lock
from ezsd.cache.errors import ArtifactError
from ezsd.cache.lock import hold, is_held
from ezsd.cache.manifest import read_manifest
from ezsd.cache.writing import begin


def test_a_second_run_does_not_get_it(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "mine"
    assert not is_held(folder)
    with hold(folder) as first:
        assert first and is_held(folder)
        with hold(folder) as second:
            assert not second
        assert is_held(folder)
    assert not is_held(folder)
    with hold(folder) as again:
        assert again


def test_readers_hear_whether_the_run_is_at_work_or_was_interrupted(tmp_path: Path) -> None:
    begin(tmp_path / "mine", "mine", {})
    with hold(tmp_path / "mine"), pytest.raises(ArtifactError, match="another run is making it"):
        read_manifest(tmp_path / "mine")
    with pytest.raises(ArtifactError, match="was interrupted"):
        read_manifest(tmp_path / "mine")


def test_a_folder_that_cannot_be_written_to_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "artifacts").mkdir()

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lock.FileLock, "acquire", refuse)
    words = r"artifacts cannot be written to \(Permission denied\): make it"
    with pytest.raises(ArtifactError, match=words), hold(tmp_path / "artifacts" / "mine"):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "artifacts").mkdir(mode=0o500)
    with pytest.raises(ArtifactError, match="cannot be written to"), hold(tmp_path / "artifacts" / "mine"):
        pass
