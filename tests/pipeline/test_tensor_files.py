"""Tensors are what was saved, or an error; a checkpoint is what was saved for this artifact, or nothing."""

from pathlib import Path

import pytest
import torch
from support.teacher_runs import context_of

from ezsd.cache.errors import ArtifactError
from ezsd.cache.writing import begin
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import CHECKPOINT, Checkpoint, read_tensors, write_tensors

FIX = "run it again"
STATE = {"weights": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(7)}


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    context = context_of("train", tmp_path)
    begin(context.folder, "train", {"seed": 0})
    return context


def test_what_was_saved_comes_back(context: StageContext) -> None:
    assert Checkpoint(context).read() is None
    Checkpoint(context).save(STATE)
    found = Checkpoint(context).read()
    assert found is not None and found.keys() == STATE.keys()
    assert all(torch.equal(found[name], value) for name, value in STATE.items())
    Checkpoint(context).remove()
    assert Checkpoint(context).read() is None


def test_no_flipped_byte_and_no_cut_file_is_gone_on_from(
    context: StageContext, capsys: pytest.CaptureFixture[str]
) -> None:
    path = context.folder / CHECKPOINT
    Checkpoint(context).save(STATE)
    whole = path.read_bytes()
    damaged = [bytes([*whole[:place], whole[place] ^ 1, *whole[place + 1 :]]) for place in range(len(whole))]
    for data in (*damaged, b"", whole[:8], whole[:-1]):
        path.write_bytes(data)
        found = Checkpoint(context).read()
        if found is not None:  # only what says nothing may differ, such as a space in the header
            assert all(torch.equal(found[name], value) for name, value in STATE.items())
            continue
        assert not path.exists()
        assert "damaged or of another run: starting again" in capsys.readouterr().err


def test_that_of_another_artifact_is_not_gone_on_from(context: StageContext, tmp_path: Path) -> None:
    Checkpoint(context).save(STATE)
    data = (context.folder / CHECKPOINT).read_bytes()
    begin(context.folder, "train", {"seed": 1})
    (context.folder / CHECKPOINT).write_bytes(data)
    assert Checkpoint(context).read() is None


def test_one_is_due_after_its_seconds(context: StageContext) -> None:
    assert Checkpoint(context, 0.0).is_due()
    assert not Checkpoint(context, 1e6).is_due()


def test_flipped_numbers_are_not_used(tmp_path: Path) -> None:
    path, tensors = tmp_path / "a.safetensors", {"weights": torch.arange(4.0)}
    write_tensors(path, tensors)
    assert torch.equal(read_tensors(path, FIX)["weights"], tensors["weights"])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"a\.safetensors is damaged: run it again"):
        read_tensors(path, FIX)


@pytest.mark.parametrize("size", [0, 7, 8, 100])
def test_a_truncated_file_is_a_sentence(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"weights": torch.arange(4.0)})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ArtifactError, match="is damaged: run it again"):
        read_tensors(path, FIX)
