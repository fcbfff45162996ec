"""What a training tells of its steps: the history, the rows of the live logs, and a line for the progress."""

import csv
import io
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.tables import read_table
from ezsd.pipeline.memory import peak_memory
from ezsd.pipeline.step_logs import StepLog
from ezsd.training.engine import StepReport
from ezsd.training.schedule import Schedule

HISTORY = "history.csv"
"""In the artifact of `train`."""

FIX = "run `ezsd-cli train --force`"

STEPS_A_ROW = 10
"""A row of the history is the mean over so many steps: a single step's losses jump about."""


def write_history(path: Path, reports: Sequence[StepReport], schedule: Schedule) -> None:
    """Write a CSV row for every `STEPS_A_ROW` steps: number and rate of the last, means of the losses."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "learning_rate", "total", *reports[0].losses])
    for start in range(0, len(reports), STEPS_A_ROW):
        steps = reports[start : start + STEPS_A_ROW]
        losses = mean_losses(steps)
        values = [schedule.rate(steps[-1].step), *losses.values()]
        writer.writerow([steps[-1].step + 1, *(f"{value:.6g}" for value in values)])
    write_bytes_atomic(path, text.getvalue().encode())


def read_history(path: Path) -> tuple[list[float], dict[str, list[float]]]:
    """Steps, and each loss at these steps, of what `write_history` wrote.

    Raises ArtifactError when the file is missing or damaged.
    """
    rows = read_table(path, FIX)
    try:
        columns = {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}
        return columns.pop("step", []), {
            name: values for name, values in columns.items() if name != "learning_rate"
        }
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: {error}; {FIX}") from None


def mean_losses(steps: Sequence[StepReport]) -> dict[str, float]:
    """Means over some steps: `total`, then each loss."""
    means = {name: sum(step.losses[name] for step in steps) / len(steps) for name in steps[0].losses}
    return {"total": sum(means.values()), **means}


def progress_note(report: StepReport, device: torch.device) -> str:
    """`loss 2.31 (box 0.21, ...), memory 1.20 GiB`, with the GPU's memory where `device` is one."""
    parts = ", ".join(f"{name} {value:.3f}" for name, value in report.losses.items())
    peaks = "".join(f", {name} {size:.2f} GiB" for name, size in _peak_gib(device).items())
    return f"loss {sum(report.losses.values()):.3f} ({parts}){peaks}"


def _peak_gib(device: torch.device) -> dict[str, float]:
    return {name: size / 2**30 for name, size in peak_memory(device).items()}


class LiveRows:
    """Logs the rows of the history while the training runs, with its speed and its peak of memory.

    Args:
        log: where the rows go.
        schedule: of the training.
        images_per_step: of all processes together.
        device: whose memory is told, beside the process's.
        steps_done: before this run.
    """

    def __init__(
        self, log: StepLog, schedule: Schedule, images_per_step: int, device: torch.device, steps_done: int
    ) -> None:
        self._log, self._schedule, self._device = log, schedule, device
        self._images_per_step, self._told, self._since = images_per_step, steps_done, time.monotonic()

    def tell(self, reports: Sequence[StepReport]) -> None:
        """Log the last of the steps so far as a row, if they fill one or are all."""
        done = len(reports)
        if done % STEPS_A_ROW and done < self._schedule.steps:
            return
        now, fresh = time.monotonic(), done - self._told
        steps = reports[(done - 1) // STEPS_A_ROW * STEPS_A_ROW :]
        losses = {f"loss/{name}": value for name, value in mean_losses(steps).items()}
        peaks = {f"{name.replace(' ', '_')}_GiB": size for name, size in _peak_gib(self._device).items()}
        speed = {"images_per_second": fresh * self._images_per_step / max(now - self._since, 1e-9)}
        self._log(done, {"learning_rate": self._schedule.rate(done - 1), **losses, **speed, **peaks})
        self._told, self._since = done, now
