"""The teacher's accuracy on boxes: raw, and re-normalized in several ways.

On validation boxes, all names competing, as in `evaluate`; and novel names among themselves, to see whether
novel objects are only lost to base names. With the demo's teacher and scenes; `benchmarks.renorm_real` has
real photos. No choice is made on these boxes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.record import Measurement, Result, write_result
from benchmarks.runs import context_of, run_stage, start_run
from ezsd.cache.manifest import read_manifest
from ezsd.evaluation.groups import percent_by_group
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.views import read_full_annotations
from ezsd.pipeline.models.teacher import renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.load import load_teacher
from ezsd.teacher.protocol import Teacher

RAW = "raw"
SEED = 1
PLAIN = ("renorm.check=null",)
WORLD: Mapping[str, tuple[str, ...]] = {
    "paper": PLAIN,
    "checked": (),
    "statistics": ("renorm.method=statistics",),
    "paper_rate_2": (*PLAIN, "renorm.learning_rate=2.0"),
}
"""The last one is a mistake, which ends in a finding."""

ALLOW = "run.allow=[lost-accuracy, lost-names]"
NOVEL_ALONE = "novel_alone"

Accuracy = Mapping[str, float | None]


def main() -> None:
    """Re-normalize the same teachers by each recipe and record the result."""
    measurements, details = measure_recipes("renorm.accuracy", (f"data.world.seed={SEED}",), WORLD)
    write_result(Result("renorm", SEED, measurements, details))


def measure_recipes(
    prefix: str, overrides: Sequence[str], recipes: Mapping[str, Sequence[str]]
) -> tuple[list[Measurement], dict[str, Any]]:
    """Return accuracy by recipe and group, and numbers of boxes and what was checked as details."""
    accuracy: dict[str, Accuracy] = {}
    details: dict[str, Any] = {"boxes": "validation"}
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), (*overrides, ALLOW))
        run_stage(root, "prepare")
        context = context_of(root, "embed")
        for name, settings in recipes.items():
            run_stage(root, "renorm", "--force", *(part for one in settings for part in ("--set", one)))
            accuracy[name] = renormalized_accuracy(context)
            if check := read_manifest(context.parent("renorm")).facts["check"]:
                details[f"{prefix}.{name}"] = check
        accuracy[RAW] = raw_accuracy(context)
        details[f"{prefix}.boxes"] = _count_boxes(context)
    return [
        Measurement(f"{prefix}.{name}.{group}", percent, "%", accuracy[RAW][group])
        for name, by_group in accuracy.items()
        for group, percent in by_group.items()
    ], details


def raw_accuracy(context: StageContext) -> Accuracy:
    """Return the accuracy of the teacher as it is, in %, by group."""
    teacher = renormalized_teacher(context)
    return _accuracy(context, load_teacher(teacher.source), teacher.renormed.read().text_embeddings_raw)


def renormalized_accuracy(context: StageContext) -> Accuracy:
    """Return the accuracy of the re-normalized teacher, in %, by group."""
    teacher = renormalized_teacher(context)
    return _accuracy(context, teacher.load(), teacher.renormed.read().text_embeddings_renormalized)


@torch.inference_mode()
def _accuracy(context: StageContext, teacher: Teacher, text_embeddings: np.ndarray) -> Accuracy:
    """Return the percentage of validation boxes that get their own name, by group."""
    prepared, boxes = Prepared(context.parent("prepare")), _validation_boxes(context)
    text, base = torch.from_numpy(text_embeddings), len(prepared.split.base)
    encoder, sources = BoxEncoder(teacher, context.params.mine.batch), _sources(context)
    photos, index = sources.val.folder(), prepared.val.photos
    right, alone = np.zeros((2, len(boxes)), bool)
    for name, size_wh, image_id in zip(index.file_names, index.sizes_wh, index.image_ids, strict=True):
        here = boxes.image_ids == image_id
        photo = photos.decode(name, (int(size_wh[0]), int(size_wh[1])))
        own = torch.from_numpy(boxes.boxes_xyxy[here])
        scores = encoder.encode(photo, own, context.params.mine.context_factor) @ text.T
        right[here] = scores.argmax(dim=1).numpy() == boxes.labels[here]
        alone[here] = base + scores[:, base:].argmax(dim=1).numpy() == boxes.labels[here]
    novel = boxes.labels >= base
    alone_percent = 100 * float(alone[novel].mean()) if novel.any() else None
    return {**percent_by_group(right, boxes.labels, prepared.split), NOVEL_ALONE: alone_percent}


def _validation_boxes(context: StageContext) -> Boxes:
    prepared = Prepared(context.parent("prepare"))
    boxes = read_full_annotations(_sources(context), "val", prepared.split).clean.boxes
    return boxes.take(~boxes.crowd)


def _sources(context: StageContext) -> DataSources:
    return resolve_sources(context.params.data, context.root, context.parent("prepare"))


def _count_boxes(context: StageContext) -> dict[str, int]:
    labels = _validation_boxes(context).labels
    base = int((labels < len(Prepared(context.parent("prepare")).split.base)).sum())
    return {"base": base, "novel": len(labels) - base}


if __name__ == "__main__":
    main()
