"""`run.stores`: the shards of `mine` and `embed` are at a URL, and every reader finds the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import fsspec
import pytest
from support.teacher_runs import colour_params, file_bytes, prepare_colours

from ezsd.cache import writing
from ezsd.cache.errors import ArtifactError
from ezsd.cache.verify import verify
from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.graph import PRECOMPUTE, STAGES
from ezsd.pipeline.jobs.mine import MineShards
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder, require_current, run_stage
from ezsd.pipeline.transfer import export_stages, import_stages
from ezsd.stages.pages.inspection import inspect_stage

URL = "memory://colours/runs"
TEACHERS = ("renorm", "mine", "embed")
SHARDED = ("mine", "embed")
AT_URL = colour_params([f"run.stores={URL}"])


@dataclass(frozen=True)
class Made:
    """Two runs of the same params, and what the one with a URL has put there."""

    local: Path
    remote: Path
    bucket: dict[str, bytes]


@pytest.fixture(scope="module", autouse=True)
def made_by_hand() -> Iterator[None]:
    """`prepare` was made from other inputs than the params say."""
    current = require_current

    def skip_prepare(stages: object, name: str, params: Params, root: Path) -> None:
        if name != "prepare":
            current(stages, name, params, root)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ezsd.pipeline.runner.require_current", skip_prepare)
        patch.setattr("ezsd.pipeline.transfer.require_current", skip_prepare)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    local = tmp_path_factory.mktemp("runs") / "local"
    folder = artifact_folder(local, "prepare")
    writing.begin(folder, "prepare", {"made": "by hand"})
    prepare_colours(local)
    writing.publish(folder, {}, {})
    run_stage(STAGES, "renorm", colour_params(), local)
    remote = copytree(local, local.with_name("remote"))
    for stage in SHARDED:
        run_stage(STAGES, stage, colour_params(), local)
        run_stage(STAGES, stage, AT_URL, remote)
    bucket = fsspec.filesystem("memory")
    return Made(local, remote, {name: bucket.cat_file(name) for name in bucket.find("/colours")})


@pytest.fixture
def local(made: Made, tmp_path: Path) -> Path:
    return copytree(made.local, tmp_path / "local")


@pytest.fixture
def remote(made: Made, tmp_path: Path) -> Path:
    """A copy of the run, with the bucket as it was."""
    bucket = fsspec.filesystem("memory")
    bucket.rm("/colours", recursive=True)
    for name, data in made.bucket.items():
        bucket.pipe_file(name, data)
    return copytree(made.remote, tmp_path / "remote")


def shards_at_url() -> dict[str, bytes]:
    """`mine/proposals.zarr/...` -> content."""
    bucket = fsspec.filesystem("memory")
    parts = {name: name.removeprefix("/colours/runs/").split("/") for name in bucket.find("/colours/runs")}
    return {
        "/".join([stage, *key]): bucket.cat_file(name)
        for name, (stage, _, *key) in parts.items()
        if key != ["claim.json"]
    }


def test_manifests_and_shards_are_those_of_a_local_run(local: Path, remote: Path) -> None:
    for stage in TEACHERS:
        here, there = (file_bytes(artifact_folder(root, stage)) for root in (local, remote))
        stores = {name for name in here if ".zarr/" in name}
        assert bool(stores) == (stage in SHARDED)
        there.pop("location.json", None)
        there |= {
            name.removeprefix(f"{stage}/"): data
            for name, data in shards_at_url().items()
            if name.startswith(f"{stage}/")
        }
        assert there == here


def test_a_run_is_up_to_date_wherever_its_shards_are(local: Path, remote: Path) -> None:
    for stage in TEACHERS:
        assert not run_stage(STAGES, stage, AT_URL, local)
        assert not run_stage(STAGES, stage, colour_params(), remote)
        assert verify(artifact_folder(remote, stage), fix="") == []
    assert inspect_stage(remote, "mine") == inspect_stage(local, "mine")
    assert inspect_stage(remote, "embed") == inspect_stage(local, "embed")


def test_a_lost_shard_stops_the_reader_and_is_made_again(remote: Path) -> None:
    params, bucket, before = (
        colour_params([f"run.stores={URL}"]),
        fsspec.filesystem("memory"),
        shards_at_url(),
    )
    lost = next(name for name in bucket.find("/colours/runs/mine") if name.endswith("boxes_xyxy/c/1/0/0"))
    bucket.rm_file(lost)
    with pytest.raises(
        ArtifactError, match=r"boxes_xyxy/c/1/0/0 is missing; run `ezsd-cli precompute --only m"
    ):
        run_stage(STAGES, "embed", params, remote)
    assert run_stage(STAGES, "mine", params, remote)
    assert shards_at_url() == before
    assert not run_stage(STAGES, "embed", params, remote)


def test_an_interrupted_stage_goes_on_at_the_url(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params, shard_of = colour_params([f"run.stores={URL}", "mine.keep=5"]), MineShards.__call__
    mined: list[int] = []

    def counts(self: MineShards, shard: int) -> dict[str, float]:
        if mined == [0]:
            mined.append(-1)
            raise KeyboardInterrupt
        mined.append(shard)
        return shard_of(self, shard)

    monkeypatch.setattr(MineShards, "__call__", counts)
    with pytest.raises(KeyboardInterrupt):
        run_stage(STAGES, "mine", params, remote)
    with pytest.raises(ArtifactError, match="incomplete"):
        run_stage(STAGES, "embed", params, remote)
    run_stage(STAGES, "mine", params, remote)
    assert mined == [0, -1, 1, 2]
    assert len({name.split("/")[4] for name in fsspec.filesystem("memory").find("/colours/runs/mine")}) == 1


def test_force_makes_every_shard_again(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mined, shard_of, before = [], MineShards.__call__, shards_at_url()

    def counts(self: MineShards, shard: int) -> dict[str, float]:
        mined.append(shard)
        return shard_of(self, shard)

    monkeypatch.setattr(MineShards, "__call__", counts)
    run_stage(STAGES, "mine", AT_URL, remote, force=True)
    assert mined == [0, 1, 2] and shards_at_url() == before


@pytest.mark.parametrize("force", [False, True])
def test_other_params_leave_none_of_the_old_shards(remote: Path, force: bool) -> None:
    params = colour_params([f"run.stores={URL}", "mine.keep=5"])
    bucket = fsspec.filesystem("memory")
    (old,) = bucket.ls("/colours/runs/mine", detail=False)
    run_stage(STAGES, "mine", params, remote, force=force)
    (new,) = bucket.ls("/colours/runs/mine", detail=False)
    assert new != old and bucket.exists("/colours/runs/embed")
    assert verify(artifact_folder(remote, "mine"), fix="") == []


def test_shards_in_an_earlier_place_stay_there(remote: Path) -> None:
    before = shards_at_url()
    params = colour_params(["run.stores=memory://colours/moved", "mine.keep=5"])
    run_stage(STAGES, "mine", params, remote)
    assert shards_at_url() == before
    assert verify(artifact_folder(remote, "mine"), fix="") == []


@pytest.mark.parametrize(("stores", "stays"), [(URL, False), (None, True)])
def test_an_import_replaces_shards_below_the_stores_only(
    local: Path, remote: Path, tmp_path: Path, stores: str | None, stays: bool
) -> None:
    export_stages(STAGES, ["mine"], colour_params(), local, tmp_path / "out.h5")
    run_stage(STAGES, "mine", colour_params([f"run.stores={URL}", "mine.keep=5"]), remote)
    import_stages(["mine"], remote, tmp_path / "out.h5", force=True, stores=stores)
    assert any(name.startswith("mine/") for name in shards_at_url()) == stays
    assert file_bytes(artifact_folder(remote, "mine")) == file_bytes(artifact_folder(local, "mine"))


def test_one_file_carries_them_to_a_machine_without_the_url(
    local: Path, remote: Path, tmp_path: Path
) -> None:
    params, there = colour_params([f"run.stores={URL}"]), tmp_path / "there"
    run_stage(STAGES, "pseudo", params, remote)
    export_stages(STAGES, PRECOMPUTE, params, remote, tmp_path / "out.h5")
    import_stages(PRECOMPUTE, there, tmp_path / "out.h5", force=False)
    for stage in TEACHERS:
        assert file_bytes(artifact_folder(there, stage)) == file_bytes(artifact_folder(local, stage))


@pytest.mark.parametrize("stores", ["bucket/prefix", "s3:bucket", "7"])
def test_what_is_no_url_is_refused(stores: str) -> None:
    with pytest.raises(ParamsError, match=r"run\.stores"):
        colour_params([f"run.stores={stores}"])
