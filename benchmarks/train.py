"""Time of a training step with cached targets, without distillation, and with the teacher online.

The demo's detector and teacher on scenes of the embedded world. A step includes reading photos and targets,
forward, backward and the optimizer. The three kinds take turns on the same photos. Also the operations that
distillation adds at COCO's size, counted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.runs import context_of, few_scenes, run_stage, start_run
from benchmarks.step_flops import coco_step_ratio
from benchmarks.timing import seconds_of
from ezsd.cache.artifacts import Embedded, Renormed
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.training_photos import open_training_photos
from ezsd.pipeline.device import one_thread
from ezsd.pipeline.jobs.train import TargetReader
from ezsd.pipeline.models.detector import make_detector
from ezsd.pipeline.models.teacher import renormalized_teacher
from ezsd.pipeline.stage import StageContext
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.training.dataset import BatchPlan, TrainSet, load_batches
from ezsd.training.determinism import deterministic
from ezsd.training.engine import StepReport, train_steps
from ezsd.training.schedule import Schedule, make_optimizer
from ezsd.training.targets import CachedTargets

SCENES = 64
WARM_UP, STEPS = 4, 32

ReadPhoto = Callable[[int], Tensor]
ReadTargets = Callable[[int], CachedTargets]


def main() -> None:
    """Take steps of the three kinds in turn and record the result."""
    with TemporaryDirectory() as folder:
        root = start_run(Path(folder), few_scenes(SCENES))
        for stage in ("prepare", "renorm", "mine", "embed"):
            run_stage(root, stage)
        seconds = _take_steps(_kinds(context_of(root, "train")))
    plain, cached, online = (seconds[name] for name in ("plain", "cached", "online"))
    measurements = [
        ratio("train.step_vs_plain", _median_ratio(cached, plain), Target("<=", 1.1)),
        ratio("train.online_teacher_vs_cached", _median_ratio(online, cached)),
        ratio("train.step_flops_vs_plain.coco", coco_step_ratio()),
        *(
            Measurement(f"train.step_seconds.{name}", median(each), "s", median(plain))
            for name, each in seconds.items()
        ),
    ]
    write_result(Result("train", 0, measurements, {"scenes": SCENES, "steps": STEPS}))


def _median_ratio(some: list[float], others: list[float]) -> float:
    """Return the median ratio of steps on the same photos, taken one right after the other."""
    return median(one / other for one, other in zip(some, others, strict=True))


def _take_steps(kinds: dict[str, Iterator[StepReport]]) -> dict[str, list[float]]:
    """Return the seconds of each step after the warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    with one_thread(), deterministic():
        for _ in range(WARM_UP + STEPS):
            for name, steps in kinds.items():
                seconds[name].append(seconds_of(partial(next, steps)))
    return {name: taken[WARM_UP:] for name, taken in seconds.items()}


def _kinds(context: StageContext) -> dict[str, Iterator[StepReport]]:
    photos = open_training_photos(context)
    reader = TargetReader(photos.index, Embedded(context.parent("embed")).store)
    # the online teacher encodes the photo that was just read
    read_photo = lru_cache(maxsize=1)(photos.photo)
    encoder = BoxEncoder(renormalized_teacher(context).load(), context.params.embed.batch)
    targets: dict[str, ReadTargets] = {
        "plain": Undistilled(reader),
        "cached": reader,
        "online": OnlineTargets(reader, read_photo, encoder, context.params.mine.context_factor),
    }
    return {name: _steps(context, reader, read_photo, read) for name, read in targets.items()}


@dataclass(frozen=True)
class Undistilled:
    """Targets without anything to distill."""

    read: ReadTargets

    def __call__(self, row: int) -> CachedTargets:
        """Return the targets with base boxes alone."""
        found = self.read(row)
        return replace(
            found,
            object_boxes_xyxy=found.object_boxes_xyxy[:0],
            object_embeddings=found.object_embeddings[:0],
            proposal_boxes_xyxy=found.proposal_boxes_xyxy[:0],
            proposal_embeddings=found.proposal_embeddings[:0],
            proposal_confidences=found.proposal_confidences[:0],
        )


@dataclass(frozen=True)
class OnlineTargets:
    """The same targets, but with embeddings computed by the teacher; boxes are mined beforehand."""

    read: ReadTargets
    read_photo: ReadPhoto
    encoder: BoxEncoder
    context_factor: float

    def __call__(self, row: int) -> CachedTargets:
        """Encode all boxes of the photo in one call of the teacher."""
        found = self.read(row)
        boxes_xyxy = torch.cat([found.object_boxes_xyxy, found.proposal_boxes_xyxy])
        embeddings = self.encoder.encode(self.read_photo(row), boxes_xyxy, self.context_factor)
        objects, proposals = embeddings.tensor_split([len(found.object_boxes_xyxy)])
        return replace(found, object_embeddings=objects, proposal_embeddings=proposals)


def _steps(
    context: StageContext, reader: TargetReader, read_photo: ReadPhoto, read_targets: ReadTargets
) -> Iterator[StepReport]:
    """Make an iterator over the training steps of a new detector."""
    params = context.params.train
    record, names = Renormed(context.parent("renorm")).read(), Prepared(context.parent("prepare")).split.base
    text = torch.from_numpy(record.text_embeddings_renormalized[: len(names)])
    detector = make_detector(params, context.root, len(names), text.shape[1])
    detector.to(memory_format=torch.channels_last)
    detector.set_vocabulary(text)
    detector.set_temperature(record.teacher["logit_scale"])
    steps = WARM_UP + STEPS
    plan = BatchPlan(
        order=lambda epoch: reader.order([1.0] * SCENES, params.seed, epoch),
        images_per_step=params.schedule.images_per_step,
        first_step=0,
        steps=steps,
        micro_batches=params.micro_batches,
        seed=params.seed,
    )
    train_set = TrainSet(read_photo, read_targets, params.examples)
    return train_steps(
        detector,
        make_optimizer(detector, params),
        load_batches(train_set, plan, 0),
        Schedule(steps, params.schedule.learning_rate, params.schedule.warmup_steps, ()),
        params,
        0,
    )


if __name__ == "__main__":
    main()
