"""The training loop of all networks: batches, steps, checkpoints, and a safe stop on Ctrl-C."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.interrupt import stop_on_signal
from ezsd.pipeline.jobs.training_log import progress_note
from ezsd.pipeline.stage import StageContext
from ezsd.pipeline.tensor_files import Checkpoint
from ezsd.training.config import ScheduleConfig, StepConfig
from ezsd.training.dataset import BatchPlan, Example, TrainSet, load_batches
from ezsd.training.determinism import deterministic
from ezsd.training.engine import DivergedError, StepReport, restore_training, train_steps, training_tensors
from ezsd.training.schedule import make_optimizer, schedule_in_epochs


@dataclass(frozen=True)
class Training:
    """A model, its data and its training configuration.

    Attributes:
        section: of the params, for messages: `train`, `mine.rpn`.
        model: with its initial weights, on its device; returns its losses by name.
        examples: photos with their targets.
        order: from the epoch to its rows, in order.
        photos: mean number of images in an epoch, with repeats.
        schedule: in epochs.
        config: of the steps.
        checkpoint_seconds: time between two checkpoints; one is also saved after each epoch.
        label: of the progress; None for the stage's name.
    """

    section: str
    model: nn.Module
    examples: TrainSet
    order: Callable[[int], Sequence[int]]
    photos: int
    schedule: ScheduleConfig
    config: StepConfig
    checkpoint_seconds: float
    label: str | None = None


class TrainingRun:
    """A running training, resumed from the checkpoint of an earlier run if there is one.

    Several processes share each step and have the same weights after it. The leader saves checkpoints; any
    number of processes can resume from one.

    Attributes:
        schedule: in steps.
        reports: of all steps so far.
    """

    def __init__(self, context: StageContext, training: Training) -> None:
        self._context, self._training = context, training
        self.schedule = schedule_in_epochs(training.schedule, training.photos)
        self._optimizer = make_optimizer(training.model, training.config)
        self._checkpoint = Checkpoint(context, training.checkpoint_seconds)
        state = self._checkpoint.read()
        self.reports: list[StepReport] = (
            restore_training(training.model, self._optimizer, state) if state else []
        )

    def steps(self) -> Iterator[StepReport]:
        """Take the remaining steps; Ctrl-C leaves a checkpoint.

        Raises:
            InputError: a loss is not finite.
        """
        training, processes, taken = self._training, self._context.processes, len(self.reports)
        if processes.leads:
            print(self._rate(), file=sys.stderr, flush=True)
        device = choose_device(self._context.params.run)
        with (
            deterministic(),
            self._context.progress(self.schedule.steps, "steps", taken, training.label) as progress,
            stop_on_signal() as stop,
        ):
            for report in self._take_steps(taken):
                self.reports.append(report)
                progress.say(progress_note(report, device))
                progress.advance(1, images=training.schedule.images_per_step)
                yield report
                stops = processes.any(stop.asked)
                if stops or self._checkpoint.is_due() or self._ends_epoch(report.step):
                    self._checkpoint.save(training_tensors(training.model, self._optimizer, self.reports))
                if stops:
                    processes.wait()  # torchrun stops all when one exits: wait for the checkpoint
                    raise KeyboardInterrupt

    def _rate(self) -> str:
        """What the linear rule (arXiv 1706.02677) keeps when the batch changes: the rate for an image."""
        section, schedule = self._training.section, self._training.schedule
        images, rate = schedule.images_per_step, schedule.learning_rate
        return f"{section}: {images} images a step, learning rate {rate:g}, {rate / images:g} an image"

    def _take_steps(self, taken: int) -> Iterator[StepReport]:
        training, shared = self._training, self._context.processes.world_size > 1
        model = DistributedDataParallel(training.model) if shared else training.model
        batches = self._batches(taken)
        try:
            yield from train_steps(model, self._optimizer, batches, self.schedule, training.config, taken)
        except DivergedError as error:
            raise DivergedError(f"{training.section}.schedule.learning_rate: {error}") from error

    def _batches(self, first_step: int) -> DataLoader[list[Example]]:
        training, processes = self._training, self._context.processes
        images, parts = training.schedule.images_per_step, training.config.micro_batches
        if images % (parts * processes.world_size):
            raise PipelineError(
                f"{processes.world_size} processes cannot share {images} images in {parts} micro-batches: "
                f"start a number of processes that divides {training.section}.schedule.images_per_step / "
                f"{training.section}.micro_batches"
            )
        plan = BatchPlan(
            order=training.order,
            images_per_step=images,
            first_step=first_step,
            steps=self.schedule.steps,
            micro_batches=parts,
            seed=training.config.seed,
            rank=processes.rank,
            world_size=processes.world_size,
        )
        return load_batches(training.examples, plan, loader_workers(choose_device(self._context.params.run)))

    def _ends_epoch(self, step: int) -> bool:
        images = self._training.schedule.images_per_step
        return (step + 1) * images % self._training.photos < images
