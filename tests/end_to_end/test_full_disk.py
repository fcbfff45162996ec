"""A disk that fills up while a stage writes: one sentence, what was published stays, a rerun goes on."""

import errno
from pathlib import Path

import pytest
from support.teacher_runs import colour_params, file_bytes, prepare_colours

from ezsd.cache import atomic, manifest, writing
from ezsd.cache.artifacts import Mined
from ezsd.cache.errors import ArtifactError
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.verify import verify
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.runner import artifact_folder, run_stage

ROOM = 20
"""Files that the disk takes before it is full: the store and the first of its three shards."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = artifact_folder(tmp_path, "prepare")
    writing.begin(folder, "prepare", {"made": "by hand"})
    prepare_colours(tmp_path)
    writing.publish(folder, {}, {})
    return tmp_path


def test_a_full_disk_stops_a_stage_cleanly(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # `prepare` was made by hand, from other inputs than the params say
    monkeypatch.setattr("ezsd.pipeline.runner.require_current", lambda *arguments: None)
    params = colour_params()
    run_stage(STAGES, "renorm", params, root)
    renorm, mine = artifact_folder(root, "renorm"), artifact_folder(root, "mine")
    renormed = file_bytes(renorm)
    write, written = atomic._write_through, []

    def fill(path: Path, data: bytes) -> None:
        if len(written) >= ROOM:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write(path, data)

    with monkeypatch.context() as full:
        full.setattr(atomic, "_write_through", fill)
        with pytest.raises(ArtifactError, match="the disk is full; free space and run again"):
            run_stage(STAGES, "mine", params, root)
    assert file_bytes(renorm) == renormed and verify(renorm, fix="") == []
    assert not list(atomic.find_leftovers(root))
    store = ShardedStore.open(Mined(mine).location)
    assert [store.is_done(shard) for shard in range(store.shards)] == [True, False, False]
    with pytest.raises(ArtifactError, match="incomplete"):
        manifest.read_manifest(mine)
    kept = {name: data for name, data in file_bytes(mine).items() if "/c/0" in name}
    run_stage(STAGES, "mine", params, root)
    assert kept and kept.items() <= file_bytes(mine).items() and verify(mine, fix="") == []
