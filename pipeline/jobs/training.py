"""The steps of `train`: photos and targets in, checkpoints out."""

import time
from functools import partial
from pathlib import Path

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD
from torch.utils.data import DataLoader

from ezsd.detector.detector import ZeroShotDetector
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.interrupt import stop_on_signal
from ezsd.pipeline.jobs.cached_targets import TargetReader
from ezsd.pipeline.jobs.training_log import LiveRows, progress_note
from ezsd.pipeline.models.detector_files import read_tensors, write_tensors
from ezsd.pipeline.params import TrainParams
from ezsd.pipeline.processes import Processes
from ezsd.pipeline.stage import StageContext
from ezsd.training.checkpoint import restore_training, training_tensors
from ezsd.training.dataset import BatchPlan, Example, TrainSet, load_batches
from ezsd.training.engine import StepReport, make_optimizer, train_steps
from ezsd.training.repeats import repeat_factors
from ezsd.training.schedule import Schedule

CHECKPOINT = "checkpoint.safetensors"
"""What an interrupted run leaves to resume from; a finished one removes it."""


def train_detector(
    context: StageContext, detector: ZeroShotDetector, targets: TargetReader, schedule: Schedule
) -> list[StepReport]:
    """Take all steps that are left, keeping a checkpoint, and report on all steps; Ctrl-C leaves one too.

    Several processes share each step and have the same weights after it; the one that leads keeps the
    checkpoint, from which any number of them goes on.
    """
    params, processes = context.params.train, context.processes
    device = choose_device(context.params.run)
    optimizer = make_optimizer(detector, params)
    checkpoint = Checkpoint(context.folder / CHECKPOINT, detector, optimizer, params.checkpoint_seconds)
    reports = checkpoint.restore()
    batches = _batches(context, targets, schedule, len(reports))
    steps = train_steps(_shared(detector, processes), optimizer, batches, schedule, params, len(reports))
    with (
        context.step_logs(len(reports)) as log,
        context.progress(schedule.steps, "steps", len(reports)) as progress,
        stop_on_signal() as stop,
    ):
        rows = LiveRows(log, schedule, params.schedule.images_per_step, device, len(reports))
        for report in steps:
            reports.append(report)
            progress.say(progress_note(report, device))
            progress.advance(1, images=params.schedule.images_per_step)
            rows.tell(reports)
            stops = processes.any(stop.asked)
            due = stops or checkpoint.is_due() or _ends_epoch(report.step, params, targets)
            if due and processes.leads:
                checkpoint.save(reports)
            if stops:
                processes.wait()  # torchrun ends all when one leaves: not before the checkpoint is whole
                raise KeyboardInterrupt
    return reports


class Checkpoint:
    """The file from which an interrupted run goes on."""

    def __init__(self, path: Path, detector: ZeroShotDetector, optimizer: SGD, seconds: float) -> None:
        self._path, self._detector, self._optimizer, self._seconds = path, detector, optimizer, seconds
        self._saved = time.monotonic()

    def restore(self) -> list[StepReport]:
        """The reports of the steps that were taken; none when nothing was."""
        if not self._path.is_file():
            return []
        return restore_training(self._detector, self._optimizer, read_tensors(self._path))

    def is_due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self._saved >= self._seconds

    def save(self, reports: list[StepReport]) -> None:
        """Replace the file by the state after these steps."""
        write_tensors(self._path, training_tensors(self._detector, self._optimizer, reports))
        self._saved = time.monotonic()


def _shared(detector: ZeroShotDetector, processes: Processes) -> nn.Module:
    """The detector, with gradients that are the mean over all processes."""
    if processes.world_size == 1:
        return detector
    return DistributedDataParallel(detector)


def _batches(
    context: StageContext, targets: TargetReader, schedule: Schedule, first_step: int
) -> DataLoader[list[Example]]:
    params, photos, processes = context.params.train, targets.index.photos, context.processes
    if params.schedule.images_per_step % (params.micro_batches * processes.world_size):
        raise PipelineError(
            f"{processes.world_size} processes cannot share {params.schedule.images_per_step} images in "
            f"{params.micro_batches} micro-batches: start a number of processes that divides "
            "train.schedule.images_per_step / train.micro_batches"
        )
    sources = resolve_sources(context.params.data, context.root, context.parent("prepare"))
    folder = sources.train.folder()

    def read_photo(row: int) -> Tensor:
        width, height = photos.sizes_wh[row].tolist()
        return folder.decode(photos.file_names[row], (width, height))

    factors = repeat_factors(targets.labels(), params.repeat_threshold)
    plan = BatchPlan(
        order=partial(targets.order, factors, params.seed),
        images_per_step=params.schedule.images_per_step,
        first_step=first_step,
        steps=schedule.steps,
        micro_batches=params.micro_batches,
        seed=params.seed,
        rank=processes.rank,
        world_size=processes.world_size,
    )
    train_set = TrainSet(read_photo, targets, params.examples)
    return load_batches(train_set, plan, loader_workers(choose_device(context.params.run)))


def _ends_epoch(step: int, params: TrainParams, targets: TargetReader) -> bool:
    return (step + 1) * params.schedule.images_per_step % len(targets.index) < params.schedule.images_per_step
