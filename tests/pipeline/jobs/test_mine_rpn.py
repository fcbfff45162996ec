"""`mine.method: rpn` from photos to rows: learned once, resumed to the same bytes, blind to novel boxes."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from conftest import TinyDataset
from support.teacher_runs import SCENES, SIDE, context_of, file_bytes, prepare_colours

from ezsd.cache.artifacts import Mined
from ezsd.cache.errors import ArtifactError
from ezsd.errors import InputError
from ezsd.mining.score import OBJECTNESS
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.executor import run_on_one_thread
from ezsd.pipeline.jobs import mine_rpn, training
from ezsd.pipeline.jobs.job import Job
from ezsd.pipeline.jobs.mine import MineShards, MiningInputs
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import CHECKPOINT
from ezsd.stages import mine, prepare, renorm
from ezsd.training.engine import StepReport

SMALL = (
    "mine.method=rpn",
    "mine.rpn.backbone_weights=random",
    "mine.rpn.pyramid_channels=8",
    "mine.rpn.short_side=64",
    "mine.rpn.long_side=64",
    "mine.rpn.schedule.epochs=3",
    "mine.rpn.schedule.images_per_step=2",
    "mine.rpn.schedule.warmup_steps=1",
)
LEARNED_FROM = 3
"""Photos with a base box that is no crowd region."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rpn")
    prepare_colours(root)
    renorm.run(context_of("renorm", root, ["renorm.method=none"]))
    return root


@pytest.fixture(scope="module")
def whole(root: Path) -> StageContext:
    context = context_of("mine", root, SMALL)
    mine.run(context)
    return context


def test_rows_hold_the_best_boxes_of_each_photo(whole: StageContext) -> None:
    mined = Mined(whole.folder)
    names = ("boxes_xyxy", "scores", "labels", "confidence", "count", "anchors", "forwards")
    rows = {name: mined.store.read(name, range(len(SCENES))) for name in names}
    assert (
        mined.score == OBJECTNESS and mined.scored_context_factor is None and mined.protocol == "names known"
    )
    assert (rows["count"] > 0).all() and rows["forwards"].tolist() == rows["count"].tolist()
    assert rows["anchors"].tolist() == [3 * (64 + 16 + 4 + 1)] * len(SCENES)
    for row, count in enumerate(rows["count"]):
        boxes, scores = rows["boxes_xyxy"][row, :count], rows["scores"][row, :count]
        assert (boxes >= 0).all() and (boxes <= SIDE).all() and (boxes[:, 2:] > boxes[:, :2]).all()
        assert (np.diff(scores) <= 0).all() and (scores > 0).all() and (scores < 1).all()
        assert (rows["labels"][row, :count] >= 0).all() and (rows["labels"][row, count:] == -1).all()
    files = {path.name for path in whole.folder.iterdir()}
    assert files == {"proposals.zarr", "rpn.safetensors"}


def test_a_worker_that_takes_the_last_shard_first_leaves_the_same_bytes(
    root: Path, whole: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(self: StageContext, job: Job) -> None:
        for shard in reversed(range(job.shards)):
            run_on_one_thread(pickle.loads(pickle.dumps(job)), shard)

    monkeypatch.setattr(StageContext, "map_shards", elsewhere)
    other = context_of("other", root, SMALL)
    mine.run(other)
    assert file_bytes(other.folder) == file_bytes(whole.folder)


def test_a_killed_training_goes_on_to_the_same_bytes(
    root: Path, whole: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, take, taken = context_of("killed", root, SMALL), training.train_steps, []

    def steps(*arguments: Any) -> Iterator[StepReport]:
        for report in take(*arguments):
            if len(taken) == 2:
                raise SystemExit
            taken.append(report.step)
            yield report

    monkeypatch.setattr(mine_rpn, "CHECKPOINT_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_steps", steps)
        with pytest.raises(SystemExit):
            mine.run(context)
    assert (context.folder / CHECKPOINT).is_file()
    again = []

    def counts(*arguments: Any) -> Iterator[StepReport]:
        for report in take(*arguments):
            again.append(report.step)
            yield report

    monkeypatch.setattr(training, "train_steps", counts)
    mine.run(context)
    assert taken == [0, 1] and again == list(range(2, -(-3 * LEARNED_FROM // 2)))
    assert file_bytes(context.folder) == file_bytes(whole.folder)


def test_a_loss_that_is_not_finite_names_the_param(root: Path) -> None:
    context = context_of("diverged", root, (*SMALL, "mine.rpn.schedule.learning_rate=1e30"))
    with pytest.raises(InputError, match=r"^mine\.rpn\.schedule\.learning_rate: the loss is not finite"):
        mine.run(context)


def test_a_trained_network_is_not_trained_again(
    root: Path, whole: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of("mined", root, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(MineShards, "__call__", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            mine.run(context)
    monkeypatch.setattr(training, "train_steps", Mock(side_effect=AssertionError("trained again")))
    mine.run(context)
    assert file_bytes(context.folder) == file_bytes(whole.folder)


def test_damaged_weights_say_what_to_run(whole: StageContext, tmp_path: Path) -> None:
    path = tmp_path / "rpn.safetensors"
    path.write_bytes(b"no safetensors")
    source = mine_rpn.RpnSource(path, whole.params.mine.rpn, whole.params.run)
    with pytest.raises(ArtifactError, match="damaged: run ezsd-cli precompute --only mine --force"):
        source.load()


def learned_bytes(dataset: TinyDataset, root: Path) -> bytes:
    """The weights that base boxes of the data set lead to."""
    params = dataset.params(*SMALL)
    folders = {name: root / "artifacts" / name for name in ("prepare", "mine")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    prepare.run(StageContext(params, root, folders["prepare"]))
    context = StageContext(params, root, folders["mine"])
    mine_rpn.prepare_miner(MiningInputs(context, Mock(), open_training_photos(context)))
    return (folders["mine"] / mine_rpn.WEIGHTS).read_bytes()


def of(dataset: TinyDataset, name: str) -> Iterator[dict]:
    number = dataset.CATEGORY_IDS[name]
    return (one for one in dataset.train["annotations"] if one["category_id"] == number)


def test_base_boxes_teach_it_and_neither_novel_boxes_nor_crowds_do(
    tiny_dataset: TinyDataset, tmp_path: Path
) -> None:
    expected = learned_bytes(tiny_dataset, tmp_path / "as-it-is")
    for box in of(tiny_dataset, "cow"):
        box["bbox"] = [1, 1, 9, 9]
    next(box for box in tiny_dataset.train["annotations"] if box["iscrowd"])["bbox"] = [0, 0, 20, 20]
    assert learned_bytes(tiny_dataset.save(), tmp_path / "other-novel") == expected
    next(of(tiny_dataset, "cat"))["bbox"] = [20, 20, 30, 20]
    assert learned_bytes(tiny_dataset.save(), tmp_path / "other-base") != expected
