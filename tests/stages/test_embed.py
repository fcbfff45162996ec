"""What `embed` leaves for training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from support.teacher_runs import CROWDED, SCENES, context_of, file_bytes, prepare_colours

from ezsd.cache.artifacts import MINED_ARRAYS, Embedded, Mined
from ezsd.cache.quantize import dequantize_rows
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.executor import run_on_one_thread
from ezsd.pipeline.jobs.job import Job
from ezsd.pipeline.jobs.train import TargetReader
from ezsd.pipeline.models.teacher import renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.stages import embed, mine, renorm
from ezsd.teacher.box_encoder import BoxEncoder


@pytest.fixture(scope="module")
def mined_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mined")
    prepare_colours(root)
    renorm.run(context_of("renorm", root))
    mine.run(context_of("mine", root))
    return root


@pytest.fixture
def root(mined_root: Path, tmp_path: Path) -> Path:
    for name in ("photos", "tiny.json"):
        (tmp_path / name).symlink_to(mined_root / name)
    (tmp_path / "artifacts").mkdir()
    for name in ("prepare", "renorm", "mine"):
        (tmp_path / "artifacts" / name).symlink_to(mined_root / "artifacts" / name)
    return tmp_path


def all_rows(context: StageContext) -> dict[str, np.ndarray]:
    store = Embedded(context.folder).store
    shards = [store.read_shard(shard) for shard in range(store.shards)]
    return {name: np.concatenate([rows[name] for rows in shards]) for name in shards[0]}


def encoded(context: StageContext, row: int, boxes_xyxy: np.ndarray, multi: bool = False) -> np.ndarray:
    prepared = Prepared(context.parent("prepare"))
    folder = resolve_sources(context.params.data, context.root, prepared.folder).train.folder()
    photo = folder.decode(prepared.train.photos.file_names[row], (64, 64))
    encoder = BoxEncoder(renormalized_teacher(context).load(), 8)
    boxes = torch.from_numpy(boxes_xyxy)
    return (encoder.encode_multi(photo, boxes) if multi else encoder.encode(photo, boxes, 1.2)).numpy()


def test_rows_are_the_mined_ones_and_embeddings_those_of_their_boxes(root: Path) -> None:
    context = context_of("embed", root)
    result = embed.run(context)
    rows, mined = all_rows(context), Mined(context.parent("mine")).store
    for name in MINED_ARRAYS:
        assert np.array_equal(rows[name], mined.read(name, range(mined.rows)))
    for row, count in enumerate(rows["count"]):
        expected = encoded(context, row, rows["boxes_xyxy"][row, :count])
        assert np.allclose(rows["embeddings"][row, :count], expected, atol=2e-3)
        assert np.allclose(
            np.linalg.norm(rows["embeddings"][row, :count].astype(float), axis=1), 1, atol=2e-3
        )
        assert (rows["embeddings"][row, count:] == 0).all()
    assert rows["embeddings"].dtype == np.float16
    assert result.counts == {"photos": len(SCENES), "proposals": rows["count"].sum(), "objects": 4}


def test_objects_are_the_base_boxes_without_crowds(root: Path) -> None:
    context = context_of("embed", root)
    embed.run(context)
    rows, index = all_rows(context), Prepared(context.parent("prepare")).train
    assert rows["gt_count"].tolist() == [1, 1, 0, 2, 0]
    assert rows["gt_count"][CROWDED] == 0
    for row, count in enumerate(rows["gt_count"]):
        boxes = index.boxes_of(row)
        assert np.array_equal(rows["gt_boxes_xyxy"][row, :count], boxes.boxes_xyxy[~boxes.crowd])
        expected = encoded(context, row, rows["gt_boxes_xyxy"][row, :count])
        assert np.allclose(rows["gt_embeddings"][row, :count], expected, atol=2e-3)


def test_int8_keeps_the_direction(root: Path) -> None:
    exact, coarse = context_of("exact", root), context_of("coarse", root, ["embed.dtype=int8"])
    embed.run(exact)
    embed.run(coarse)
    one, other = all_rows(exact), all_rows(coarse)
    codes, scales = other["embeddings"], other["embeddings_scales"]
    there = np.arange(codes.shape[1]) < other["count"][:, None]
    before, after = one["embeddings"].astype(np.float32)[there], dequantize_rows(codes, scales)[there]
    cosines = (before * after).sum(-1) / np.linalg.norm(before, axis=-1) / np.linalg.norm(after, axis=-1)
    assert codes.dtype == np.int8
    assert cosines.min() > 0.999


def test_two_views_are_a_choice(root: Path) -> None:
    context = context_of("embed", root, ["embed.crops=multi"])
    embed.run(context)
    rows = all_rows(context)
    count = int(rows["gt_count"][3])
    expected = encoded(context, 3, rows["gt_boxes_xyxy"][3, :count], multi=True)
    assert np.allclose(rows["gt_embeddings"][3, :count], expected, atol=2e-3)


def test_the_order_of_shards_changes_no_byte(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forwards = context_of("forwards", root)
    embed.run(forwards)

    def last_first(self: StageContext, job: Job) -> None:
        for shard in reversed(range(job.shards)):
            run_on_one_thread(job, shard)

    monkeypatch.setattr(StageContext, "map_shards", last_first)
    backwards = context_of("backwards", root)
    embed.run(backwards)
    assert file_bytes(forwards.folder) == file_bytes(backwards.folder)


def test_training_reads_it(root: Path) -> None:
    context = context_of("embed", root)
    embed.run(context)
    embedded, index = Embedded(context.folder), Prepared(context.parent("prepare")).train
    read = TargetReader(index, embedded.store)
    assert [len(read(row).object_embeddings) for row in range(len(index))] == [1, 1, 0, 2, 0]
    assert len(read(2).boxes_xyxy) == 0
