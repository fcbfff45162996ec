"""Time of mining and of embedding over that of their bare forwards, and what half precision changes.

With the packaged teacher and with a ViT-B-32 of random weights, on scenes of the embedded world, in one
process with one thread. On a CPU its own time counts, which other load on the machine hardly changes. The fit
of the cascade's ranking, once in a run, is left out.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.runs import context_of, few_scenes, run_stage, start_run
from benchmarks.timing import Work, seconds_of
from ezsd.cache.artifacts import Embedded, Mined
from ezsd.mining.exhaustive import photo_anchors
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.device import keep_freed_memory, one_thread
from ezsd.pipeline.jobs.embed import embed_shards
from ezsd.pipeline.jobs.job import StoreJob
from ezsd.pipeline.jobs.mine import mine_shards, mining_inputs, mining_names
from ezsd.pipeline.jobs.mine_cascade import prepare_miner
from ezsd.pipeline.models.teacher import renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.dense_maps import count_tiles, require_dense
from ezsd.teacher.precision import HALVES, in_precision
from ezsd.teacher.protocol import Teacher

ROUNDS = 2
CROPS = 64
"""Boxes whose embeddings are compared between precisions."""

TEACHERS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "world": (16, ()),
    "ViT-B-32": (1, ("teacher.model=ViT-B-32", "teacher.weights=random")),
}
"""Scenes and params by teacher."""

LARGEST = Target("<=", 1.2)


def main(teachers: Mapping[str, tuple[int, tuple[str, ...]]] = TEACHERS) -> None:
    """Time both stages with each teacher and record the result."""
    keep_freed_memory()  # as every stage does
    measurements: list[Measurement] = []
    for name, (scenes, settings) in teachers.items():
        with TemporaryDirectory() as folder, one_thread():
            settings = (*few_scenes(scenes), "renorm.method=none", "run.workers=1", *settings)
            root = start_run(Path(folder), settings)
            for stage in ("prepare", "renorm", "mine"):
                run_stage(root, stage)
            measurements += [*_overheads(root, name), *_precisions(root, name)]
    details = {name: f"{scenes} scenes" for name, (scenes, _) in teachers.items()}
    write_result(Result("overhead", 0, measurements, details))


def _overheads(root: Path, name: str) -> Iterator[Measurement]:
    context, embedding = context_of(root, "mine"), context_of(root, "embed")
    inputs = mining_inputs(context)
    names = mining_names(context.params.mine, inputs.photos.prepared.split)
    mine = mine_shards(inputs, names, prepare_miner(inputs), Mined(root / "again" / "mine"))
    embed = embed_shards(embedding, Embedded(embedding.folder))
    teacher = renormalized_teacher(context).load()
    mined = Mined(context.folder).store
    counts = [mined.read_shard(shard, ["forwards", "count"]) for shard in range(mined.shards)]
    index = inputs.photos.index
    tiles = [count_tiles((int(height), int(width))) for width, height in index.photos.sizes_wh]
    crops = np.concatenate([one["forwards"] for one in counts]) - tiles
    boxes = np.concatenate([one["count"] for one in counts]) + [
        len(index.objects_of(row)) for row in range(len(index))
    ]
    batch = context.params.mine.batch
    for stage, job, work in (
        ("mining", mine, lambda: _forward(teacher, crops, batch, tiles)),
        ("embed", embed, lambda: _forward(teacher, boxes, context.params.embed.batch, ())),
    ):
        taken, bare = (min(_seconds(own, teacher) for _ in range(ROUNDS)) for own in (_run(job), work))
        yield ratio(f"{stage}.overhead.{name}", taken / bare, LARGEST)
        yield Measurement(f"{stage}.seconds_a_photo.{name}", taken / len(crops), "s", bare / len(crops))


def _run(job: StoreJob) -> Work:
    def work() -> None:
        for shard in range(job.shards):
            job(shard)

    return work


@torch.inference_mode()
def _forward(teacher: Teacher, crops: np.ndarray, batch: int, tiles: "list[int] | tuple[()]") -> None:
    """Encode as many blank crops and tiles of each photo as a stage does, in its batches."""
    for count in crops.tolist():
        for part in torch.arange(count).split(batch):
            teacher.encode_images(_blank(teacher, len(part)))
    for count in tiles:
        require_dense(teacher).dense_maps(_blank(teacher, count))


def _blank(teacher: Teacher, count: int) -> Tensor:
    side = teacher.image_size
    return torch.zeros((count, 3, side, side), device=teacher.device).to(memory_format=torch.channels_last)


def _seconds(work: Work, teacher: Teacher) -> float:
    if teacher.device.type == "cuda":
        return seconds_of(work)
    start = time.process_time()
    work()
    return time.process_time() - start


def _precisions(root: Path, name: str) -> Iterator[Measurement]:
    """Cosine of embeddings in half precision with those in float32: the mean and the least of some boxes."""
    context = context_of(root, "mine")
    photo = open_training_photos(context).photo(0)
    anchors = photo_anchors(photo, context.params.mine)
    boxes = anchors[:: max(1, len(anchors) // CROPS)][:CROPS]
    teacher = renormalized_teacher(context).load()
    exact = _encode(context, teacher, photo, boxes)
    for precision in HALVES:
        cosine = torch.cosine_similarity(
            exact, _encode(context, in_precision(teacher, precision), photo, boxes)
        )
        yield Measurement(f"embed.cosine.{precision}.{name}", float(cosine.mean()), "mean cosine")
        yield Measurement(f"embed.cosine.{precision}.{name}.least", float(cosine.min()), "cosine")


def _encode(context: StageContext, teacher: Teacher, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
    encoder = BoxEncoder(teacher, context.params.mine.batch)
    return encoder.encode(photo, boxes_xyxy, context.params.mine.context_factor)


if __name__ == "__main__":
    main()
