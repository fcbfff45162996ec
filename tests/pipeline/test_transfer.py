"""Artifacts of a run in one file, accepted by another run as its own."""

from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from support.teacher_runs import file_bytes

from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder, require_current, run_stage
from ezsd.pipeline.transfer import export_stages, import_stages

NAMES = ("prepare", "renorm")


@pytest.fixture
def params(tiny_dataset) -> Params:
    return tiny_dataset.params("renorm.method=none", "prepare.max_quarantined_fraction=1")


@pytest.fixture
def here(params: Params, tmp_path: Path) -> Path:
    for name in NAMES:
        run_stage(STAGES, name, params, tmp_path / "here")
    return tmp_path / "here"


def test_another_run_takes_them_for_its_own(params: Params, here: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    size = export_stages(STAGES, NAMES, params, here, tmp_path / "out.h5")
    assert import_stages(NAMES, there, tmp_path / "out.h5", force=False) == list(NAMES)
    for name in NAMES:
        files = file_bytes(artifact_folder(there, name))
        assert files == file_bytes(artifact_folder(here, name))
        size -= sum(map(len, files.values())) - len(files["manifest.json"])
        require_current(STAGES, name, params, there)
        assert not run_stage(STAGES, name, params, there)
    assert size == 0
    assert import_stages(NAMES, there, tmp_path / "out.h5", force=False) == []


def test_what_is_stale_is_not_exported(here: Path, tiny_dataset, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"renorm is stale: params\.renorm\.method none -> statistics"):
        export_stages(
            STAGES,
            NAMES,
            tiny_dataset.params("renorm.method=statistics", "prepare.max_quarantined_fraction=1"),
            here,
            tmp_path / "out.h5",
        )
    assert not (tmp_path / "out.h5").exists()


def test_another_artifact_is_replaced_only_by_force(params: Params, here: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    export_stages(STAGES, NAMES, params, here, tmp_path / "out.h5")
    run_stage(STAGES, "prepare", replace(params, prepare=replace(params.prepare, empty_photos="drop")), there)
    other = file_bytes(artifact_folder(there, "prepare"))
    with pytest.raises(PipelineError, match="import with --force to replace it"):
        import_stages(NAMES, there, tmp_path / "out.h5", force=False)
    assert file_bytes(artifact_folder(there, "prepare")) == other
    import_stages(NAMES, there, tmp_path / "out.h5", force=True)
    require_current(STAGES, "renorm", params, there)


def test_a_file_of_other_artifacts_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file.attrs["kind"], file.attrs["schema"] = "ezsd artifacts", 1
        file.create_group("train")
    with pytest.raises(PipelineError, match="holds no artifact of prepare, renorm"):
        import_stages(NAMES, tmp_path, tmp_path / "out.h5", force=False)
