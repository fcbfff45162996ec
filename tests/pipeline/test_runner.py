"""Stages are skipped when current, resumed when interrupted, refused when stale."""

from pathlib import Path

import pytest
from filelock import FileLock
from support.toy_stages import OTHER, PARAMS, ToyStage

from ezsd.cache import manifest
from ezsd.cache.contents import shards_url, write_location
from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.findings.finding import Finding, read_findings
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.pipeline.runner import artifact_folder, require_current, run_stage


@pytest.fixture
def stages() -> dict[str, ToyStage]:
    first = ToyStage("mine", params=("mine",))
    return {"mine": first, "embed": ToyStage("embed", params=("embed",), parents=("mine",))}


def test_a_current_stage_is_not_run_again(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    assert run_stage(stages, "mine", PARAMS, tmp_path)
    assert not run_stage(stages, "mine", PARAMS, tmp_path)
    assert len(stages["mine"].wrote) == 3
    assert run_stage(stages, "mine", PARAMS, tmp_path, force=True)
    assert len(stages["mine"].wrote) == 6


def test_an_interrupted_stage_resumes_and_ends_with_the_same_bytes(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    stages["mine"].dies_at.append(2)
    with pytest.raises(KeyboardInterrupt):
        run_stage(stages, "mine", PARAMS, tmp_path / "a")
    stages["mine"].dies_at.clear()
    run_stage(stages, "mine", PARAMS, tmp_path / "a")
    assert stages["mine"].wrote == ["part-0", "part-1", "part-2"]
    run_stage(stages, "mine", PARAMS, tmp_path / "b")
    one, other = (artifact_folder(tmp_path / x, "mine") for x in "ab")
    assert {p.name: p.read_bytes() for p in one.iterdir()} == {
        p.name: p.read_bytes() for p in other.iterdir()
    }


def test_other_params_start_an_interrupted_stage_anew(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    stages["mine"].dies_at.append(2)
    with pytest.raises(KeyboardInterrupt):
        run_stage(stages, "mine", PARAMS, tmp_path)
    stages["mine"].dies_at.clear()
    run_stage(stages, "mine", OTHER, tmp_path)
    assert stages["mine"].wrote == ["part-0", "part-1", "part-0", "part-1", "part-2"]


def test_a_missing_parent_is_named_with_its_command(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="ezsd-cli precompute --only mine"):
        run_stage(stages, "embed", PARAMS, tmp_path)


def test_a_stale_parent_is_refused_naming_the_key(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    run_stage(stages, "mine", PARAMS, tmp_path)
    with pytest.raises(ArtifactError, match=r"mine\.keep \d+ -> 7"):
        run_stage(stages, "embed", OTHER, tmp_path)


def test_a_parent_made_again_from_other_inputs_makes_its_child_stale(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    run_stage(stages, "mine", PARAMS, tmp_path)
    run_stage(stages, "embed", PARAMS, tmp_path)
    require_current(stages, "embed", PARAMS, tmp_path)
    stages["mine"].outside["weights"] = "0" * 64
    run_stage(stages, "mine", PARAMS, tmp_path)
    with pytest.raises(ArtifactError, match="embed"):
        require_current(stages, "embed", PARAMS, tmp_path)
    assert run_stage(stages, "embed", PARAMS, tmp_path)


def test_two_runs_of_a_stage_do_not_meet(stages: dict[str, ToyStage], tmp_path: Path) -> None:
    folder = artifact_folder(tmp_path, "mine")
    folder.parent.mkdir(parents=True)
    with FileLock(folder.with_name(".mine.lock")), pytest.raises(PipelineError, match="another run"):
        run_stage(stages, "mine", PARAMS, tmp_path)
    assert run_stage(stages, "mine", PARAMS, tmp_path)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that `artifacts/mine` of two runs, `a` and `b`, links to."""
    shared = tmp_path / "shared/mine"
    shared.mkdir(parents=True)
    for run in "ab":
        (tmp_path / run / "artifacts").mkdir(parents=True)
        (tmp_path / run / "artifacts/mine").symlink_to("../../shared/mine")
    return shared


def test_runs_that_link_to_one_artifact_make_it_once(
    stages: dict[str, ToyStage], shared: Path, tmp_path: Path
) -> None:
    assert run_stage(stages, "mine", PARAMS, tmp_path / "a")
    assert not run_stage(stages, "mine", PARAMS, tmp_path / "b")
    assert run_stage(stages, "embed", PARAMS, tmp_path / "b")
    assert run_stage(stages, "mine", OTHER, tmp_path / "b")
    assert run_stage(stages, "mine", OTHER, tmp_path / "a", force=True)
    assert (tmp_path / "a/artifacts/mine").is_symlink()
    assert {path.name for path in shared.iterdir()} == {"manifest.json", "part-0", "part-1", "part-2"}


def test_runs_that_link_to_one_artifact_do_not_meet(
    stages: dict[str, ToyStage], shared: Path, tmp_path: Path
) -> None:
    with FileLock(shared.with_name(".mine.lock")), pytest.raises(PipelineError, match="another run"):
        run_stage(stages, "mine", PARAMS, tmp_path / "a")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("overrides", [[], ["run.stores=memory://ours"]])
def test_a_planted_location_removes_nothing(
    stages: dict[str, ToyStage], tmp_path: Path, force: bool, overrides: list[str]
) -> None:
    run_stage(stages, "mine", PARAMS, tmp_path)
    folder = artifact_folder(tmp_path, "mine")
    url = shards_url(f"file://{tmp_path}/photos", "mine", manifest.read_manifest(folder).fingerprint)
    photo = Path(url.removeprefix("file://"), "holiday.jpg")
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"photo")
    write_location(folder, url)
    params = parse_params(preset_text("demo"), ["mine.keep=7", *overrides])
    assert run_stage(stages, "mine", params, tmp_path, force=force)
    assert photo.read_bytes() == b"photo" and not (folder / "location.json").exists()


NONE = Finding("no-proposals", "proposals", 0.0, 1.0, "mine more")
FEW = Finding("few-proposals", "proposals per photo", 0.5, 1.0, "mine more")


def test_findings_are_kept_and_those_that_stop_are_refused_by_all_later_stages(
    stages: dict[str, ToyStage], tmp_path: Path
) -> None:
    stages["train"] = ToyStage("train", params=("train",), parents=("embed",))
    stages["mine"].findings.extend([FEW, NONE])
    assert run_stage(stages, "mine", PARAMS, tmp_path)
    assert read_findings(manifest.read_manifest(artifact_folder(tmp_path, "mine"))) == (FEW, NONE)
    with pytest.raises(PipelineError, match="mine stops the run with a finding, no-proposals"):
        run_stage(stages, "embed", PARAMS, tmp_path)
    assert not artifact_folder(tmp_path, "embed").exists()

    allowed = parse_params(preset_text("demo"), ["run.allow=[no-proposals]"])
    assert not run_stage(stages, "mine", allowed, tmp_path)
    assert run_stage(stages, "embed", allowed, tmp_path)
    with pytest.raises(PipelineError, match="mine stops the run"):
        run_stage(stages, "train", PARAMS, tmp_path)
    assert run_stage(stages, "train", allowed, tmp_path)
