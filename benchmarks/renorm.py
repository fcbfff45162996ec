"""The teacher's accuracy on boxes: raw, re-normalized by tuning, and re-normalized from statistics.

With the demo's teacher and scenes, on validation boxes, all 65 names competing, as in `evaluate`.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.record import Measurement, Result, write_result
from benchmarks.runs import context_of, run_stage, start_run
from ezsd.evaluation.diagnostics import BoxNamer
from ezsd.evaluation.groups import percent_by_group
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import read_full_annotations
from ezsd.pipeline.models.teacher import renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.load import load_teacher
from ezsd.teacher.protocol import Teacher

RAW = "raw"
SEED = 1
METHODS = ("tune", "statistics")

Accuracy = Mapping[str, float | None]


def main() -> None:
    """Re-normalize the same teacher by each method and record the result."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), (f"data.world.seed={SEED}",))
        run_stage(root, "prepare")
        context = context_of(root, "embed")
        accuracy: dict[str, Accuracy] = {}
        for method in METHODS:
            run_stage(root, "renorm", "--force", "--set", f"renorm.method={method}")
            accuracy[method] = _renormalized_accuracy(context)
        accuracy[RAW] = _raw_accuracy(context)
    measurements = [
        Measurement(f"renorm.accuracy.{name}.{group}", percent, "%", accuracy[RAW][group])
        for name, by_group in accuracy.items()
        for group, percent in by_group.items()
    ]
    write_result(Result("renorm", SEED, measurements, {"boxes": "validation"}))


def _raw_accuracy(context: StageContext) -> Accuracy:
    teacher = renormalized_teacher(context)
    return _accuracy(context, load_teacher(teacher.source), teacher.renormed.read().text_embeddings_raw)


def _renormalized_accuracy(context: StageContext) -> Accuracy:
    teacher = renormalized_teacher(context)
    return _accuracy(context, teacher.load(), teacher.renormed.read().text_embeddings_renormalized)


@torch.inference_mode()
def _accuracy(context: StageContext, teacher: Teacher, text_embeddings: np.ndarray) -> Accuracy:
    """Return the percentage of validation boxes that get their own name, by group."""
    params, prepared = context.params.mine, Prepared(context.parent("prepare"))
    sources = resolve_sources(context.params.data, context.root, prepared.folder)
    boxes = read_full_annotations(sources, "val", prepared.split).clean.boxes
    boxes = boxes.take(~boxes.crowd)
    namer = BoxNamer(
        BoxEncoder(teacher, params.batch), torch.from_numpy(text_embeddings), params.context_factor
    )
    photos, index = sources.val.folder(), prepared.val.photos
    right = np.zeros(len(boxes), bool)
    for name, size_wh, image_id in zip(index.file_names, index.sizes_wh, index.image_ids, strict=True):
        here = boxes.image_ids == image_id
        photo = photos.decode(name, (int(size_wh[0]), int(size_wh[1])))
        named = namer.name(photo, torch.from_numpy(boxes.boxes_xyxy[here]))
        right[here] = named.numpy() == boxes.labels[here]
    return percent_by_group(right, boxes.labels, prepared.split)


if __name__ == "__main__":
    main()
