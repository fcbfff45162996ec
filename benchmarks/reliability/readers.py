"""What reads artifacts: each stage's readers, the stage that follows, and the commands that show or check."""

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import torch

from ezsd.api.loading import load_detector
from ezsd.cache.artifacts import Embedded, Mined, Renormed
from ezsd.cache.pseudo_file import FILE as PSEUDO
from ezsd.cache.pseudo_file import read_pseudo
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.verify import verify
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.training_log import HISTORY, read_history
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder, run_stage
from ezsd.pipeline.tensor_files import read_tensors
from ezsd.stages.commands.main import app


def read_directly(stage: str, root: Path) -> None:
    """Read all that later stages may read of an artifact, whatever its parents are now."""
    folder = artifact_folder(root, stage)
    verify(folder, fix="")
    _READERS.get(stage, lambda folder: None)(folder)


def commands(stage: str, root: Path, out: Path) -> list[list[str]]:
    """The arguments of all commands that read artifacts; what they write goes to `out`."""
    run = ["--params", str(root)]
    return [
        ["verify", *run],
        ["inspect", *run],
        ["inspect", stage, *run],
        ["inspect", "proposals", "--out", str(out), *run],
        ["result", *run],
        ["cache", "export", "--hdf5", str(out), *run],
        ["report", *run],
        ["compare", str(root), str(root), "--out", str(out)],
    ]


def read_by_command(arguments: Sequence[str]) -> None:
    """Run one of the commands; raises what it raises."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        app(list(arguments), standalone_mode=False)


def read_by_next_stage(stage: str, root: Path, params: Params) -> None:
    """Run the next stage that reads the artifact, as `dvc repro` would; none reads that of `report`."""
    following = [later for later, reader in STAGES.items() if stage in reader.parents]
    for later in following[:1]:
        with redirect_stderr(io.StringIO()):
            run_stage(STAGES, later, params, root)


def _prepare(folder: Path) -> None:
    prepared = Prepared(folder)
    for read in (lambda: prepared.split, lambda: prepared.quarantine, lambda: prepared.val):
        read()
    for row in range(len(prepared.train)):
        prepared.train.objects_of(row)
    prepared.train.most_objects()
    if prepared.train_masks is not None and len(prepared.train_masks):
        prepared.train_masks.of(0)


def _renorm(folder: Path) -> None:
    renormed = Renormed(folder)
    renormed.read()
    read_tensors(renormed.norms, "")


def _mine(folder: Path) -> None:
    mined = Mined(folder)
    _ = mined.names, mined.base_count, mined.protocol, mined.score
    list(mined.boxes_by_photo())
    _read_store(mined.store)


def _embed(folder: Path) -> None:
    embedded = Embedded(folder)
    _ = embedded.protocol
    _read_store(embedded.store)


def _pseudo(folder: Path) -> None:
    read_pseudo(folder / PSEUDO)


def _read_store(store: ShardedStore) -> None:
    for shard in range(store.shards):
        store.read_shard(shard, list(store.layout.arrays))


def _train(folder: Path) -> None:
    load_detector(folder).predict(torch.zeros((3, 32, 32), dtype=torch.uint8))
    read_history(folder / HISTORY)


def _evaluate(folder: Path) -> None:
    read = EvaluationFolder(folder)
    _ = read.metrics, read.classes, read.errors, read.detections, read.ground_truth


_READERS: Mapping[str, Callable[[Path], None]] = {
    "prepare": _prepare,
    "renorm": _renorm,
    "mine": _mine,
    "embed": _embed,
    "pseudo": _pseudo,
    "train": _train,
    "evaluate": _evaluate,
}
