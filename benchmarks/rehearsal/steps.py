"""The steps of a rehearsal, each run in its own process: `python -m benchmarks.rehearsal.steps NAME`.

The working folder is that of the run. A step prints a JSON object of the numbers that it reports.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import torch

from benchmarks.rehearsal.caches import (
    write_detections,
    write_embeddings,
    write_proposals,
    write_renorm_and_detector,
)
from benchmarks.rehearsal.drawing import draw_data_set
from benchmarks.rehearsal.run import DATA, READ_PHOTOS, read_shape
from benchmarks.runs import context_of
from ezsd.cache import manifest, writing
from ezsd.cache.artifacts import Embedded
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.train import TargetReader
from ezsd.stages import evaluate
from ezsd.training.dataset import BatchPlan
from ezsd.training.repeats import repeat_factors
from ezsd.training.schedule import schedule_in_epochs

Reported = Mapping[str, float]
CACHES = ("mine", "embed")


def draw(root: Path) -> Reported:
    """Draw the data set."""
    draw_data_set(read_shape(root), root / DATA)
    return {}


def shards(root: Path) -> Reported:
    """Write the shards of proposals and embeddings."""
    write_proposals(context_of(root, "mine"))
    write_embeddings(context_of(root, "embed"))
    return {"shards": _embedded(root).store.shards}


def manifests(root: Path) -> Reported:
    """Publish both caches, with a checksum of every file, and check them as later stages do."""
    for stage in CACHES:
        folder = context_of(root, stage).folder
        writing.publish(folder, {}, {})
        manifest.require_complete(folder, "")
    return {
        "files": sum(len(manifest.read_manifest(context_of(root, stage).folder).files) for stage in CACHES)
    }


def samplers(root: Path) -> Reported:
    """Compute the order of photos from the labels to the last step of the schedule."""
    targets, params = _targets(root), context_of(root, "train").params.train
    labels = [torch.from_numpy(targets.index.objects_of(row).labels) for row in range(len(targets.index))]
    factors = repeat_factors(labels, params.repeat_threshold)
    steps = schedule_in_epochs(params.schedule, len(targets.index)).steps
    last = BatchPlan(
        order=lambda epoch: targets.order(factors, params.seed, epoch),
        images_per_step=params.schedule.images_per_step,
        first_step=steps - 1,
        steps=steps,
        micro_batches=params.micro_batches,
        seed=params.seed,
    )
    return {"steps": steps, "images_of_last_step": sum(map(len, last))}


def reading(root: Path) -> Reported:
    """Read targets of photos in the shuffled order of an epoch."""
    targets = _targets(root)
    rows = list(islice(targets.order([1.0] * len(targets.index), 0, 0), READ_PHOTOS))
    start = time.process_time()
    for row in rows:
        targets(row)
    return {"images_per_second": len(rows) / (time.process_time() - start)}


def detections(root: Path) -> Reported:
    """Write what `evaluate` reads once its pass over the photos is done."""
    write_renorm_and_detector(context_of(root, "train"))
    write_detections(context_of(root, "evaluate"), read_shape(root))
    return {}


def evaluation(root: Path) -> Reported:
    """Run the stage with its pass over the photos already done."""
    context = context_of(root, "evaluate")
    STAGES["evaluate"].external_inputs(context.params, root)
    result = evaluate.run(context)
    writing.publish(context.folder, result.counts, result.facts)
    return {"detections": result.counts["detections"]}


STEPS: Mapping[str, Callable[[Path], Reported]] = {
    "draw": draw,
    "shards": shards,
    "manifests": manifests,
    "samplers": samplers,
    "reading": reading,
    "detections": detections,
    "evaluate": evaluation,
}


def _embedded(root: Path) -> Embedded:
    return Embedded(context_of(root, "embed").folder)


def _targets(root: Path) -> TargetReader:
    prepared = Prepared(context_of(root, "prepare").folder)
    return TargetReader(prepared.train, _embedded(root).store, prepared.train_masks)


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Path.cwd())))
