"""Artifacts of a run in one file, accepted by another run as its own."""

from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.teacher_runs import file_bytes

from ezsd.cache import manifest
from ezsd.cache.atomic import json_bytes
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


def test_a_file_that_says_where_shards_lie_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    location = json_bytes({"url": f"file://{tmp_path}/photos/mine/{'0' * 64}"})
    record = manifest.FileRecord(len(location), sha256(location).hexdigest())
    made = manifest.Manifest(
        manifest.SCHEMA, "mine", manifest.fingerprint("mine", {}), {}, {}, {}, {"location.json": record}
    )
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file.attrs["kind"], file.attrs["schema"] = "ezsd artifacts", 1
        for name, data in {"manifest.json": json_bytes(asdict(made)), "location.json": location}.items():
            file.create_dataset(f"mine/{name}", data=np.frombuffer(data, np.uint8))
    with pytest.raises(ArtifactError, match=r"names 'location\.json', which is not part of an .* foreign$"):
        import_stages(["mine"], tmp_path / "there", tmp_path / "out.h5", force=True)
    assert not (tmp_path / "there").exists()


def test_what_a_killed_import_leaves_is_no_other_artifact(params: Params, here: Path, tmp_path: Path) -> None:
    export_stages(STAGES, NAMES, params, here, tmp_path / "out.h5")
    folder = artifact_folder(tmp_path / "there", "prepare")
    folder.mkdir(parents=True)
    (folder / f".incomplete.json.{'0' * 32}.part").write_bytes(b"{")
    assert import_stages(NAMES, tmp_path / "there", tmp_path / "out.h5", force=False) == list(NAMES)
    assert file_bytes(folder) == file_bytes(artifact_folder(here, "prepare"))
