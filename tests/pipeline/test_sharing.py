"""Runs of one project share equal artifacts by links, and nothing else."""

from pathlib import Path

import pytest
from support.toy_stages import OTHER, PARAMS, ToyStage

from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.runner import artifact_folder, require_current, require_replaceable, run_stage

PARTS = ["part-0", "part-1", "part-2"]


@pytest.fixture
def stages() -> dict[str, ToyStage]:
    return {"mine": ToyStage("mine", params=("mine",))}


def inodes(root: Path) -> list[int]:
    return [(artifact_folder(root, "mine") / part).stat().st_ino for part in PARTS]


def test_an_equal_artifact_is_linked_from_the_project_and_from_other_runs(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    a, b = tmp_path / "runs/a", tmp_path / "runs/b"
    assert run_stage(stages, "mine", PARAMS, tmp_path)
    assert not run_stage(stages, "mine", PARAMS, a) and not run_stage(stages, "mine", PARAMS, b)
    assert stages["mine"].wrote == PARTS
    assert inodes(a) == inodes(b) == inodes(tmp_path)
    require_current(stages, "mine", PARAMS, b)
    assert read_manifest(artifact_folder(a, "mine")) == read_manifest(artifact_folder(tmp_path, "mine"))


def test_another_artifact_is_made_and_leaves_the_shared_one(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    a, b = tmp_path / "runs/a", tmp_path / "runs/b"
    for root in (a, b):
        run_stage(stages, "mine", PARAMS, root)
    assert run_stage(stages, "mine", OTHER, b)
    assert inodes(a) != inodes(b) and stages["mine"].wrote == PARTS * 2
    require_current(stages, "mine", PARAMS, a)


def test_a_damaged_artifact_is_not_shared(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    a, b = tmp_path / "runs/a", tmp_path / "runs/b"
    run_stage(stages, "mine", PARAMS, a)
    part = artifact_folder(a, "mine") / "part-1"
    part.write_bytes(b"x" * part.stat().st_size)
    assert run_stage(stages, "mine", PARAMS, b)
    assert (artifact_folder(b, "mine") / "part-1").read_text() == "mine 1"
    assert part.read_bytes().startswith(b"xx")


def test_force_makes_an_artifact_of_its_own(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    run_stage(stages, "mine", PARAMS, tmp_path)
    assert run_stage(stages, "mine", PARAMS, tmp_path / "runs/a", force=True)


def test_a_finished_artifact_is_not_replaced_by_another_in_silence(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    require_replaceable(stages, "mine", PARAMS, tmp_path)
    run_stage(stages, "mine", PARAMS, tmp_path)
    require_replaceable(stages, "mine", PARAMS, tmp_path)
    with pytest.raises(PipelineError, match=r"params\.mine\.keep \d+ -> 7\): give --run NAME .*--replace"):
        require_replaceable(stages, "mine", OTHER, tmp_path)
