"""Live logs of training for DVCLive and TensorBoard, in `logs/`, outside the artifacts.

A run that resumes from a checkpoint repeats some steps: earlier rows of these steps are dropped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import Logger

LOGS = "logs"
"""Folder of all logs, beside `artifacts`."""
StepLog = Callable[[int, Mapping[str, float]], None]
"""Called with the number of steps done, and values by name; a name may be `group/name`."""

_DVC_PLOTS = b"plots:\n- plots/metrics:\n    x: step\n"


@contextmanager
def open_logs(loggers: Sequence[Logger], folder: Path, steps_done: int) -> Iterator[StepLog]:
    """Open a log that writes to each of `loggers`, which may be empty.

    Args:
        loggers: their names.
        folder: for the logs; each logger has its own subfolder.
        steps_done: steps up to the checkpoint of an earlier run; 0 starts new logs.

    Raises:
        PipelineError: the package of a logger is not installed.
    """
    with ExitStack() as stack:
        logs = [stack.enter_context(_OPENERS[logger](folder / logger, steps_done)) for logger in loggers]

        def log(step: int, values: Mapping[str, float]) -> None:
            for each in logs:
                each(step, values)

        yield log


@contextmanager
def _open_dvclive(folder: Path, steps_done: int) -> Iterator[StepLog]:
    """One table per value in `plots/metrics`, listed for DVC in a `dvc.yaml` beside it."""
    try:
        from dvclive.live import Live
    except ModuleNotFoundError:
        raise _missing("dvclive") from None
    for table in (folder / "plots").rglob("*.tsv"):
        _drop_rows(table, steps_done)
    live = Live(str(folder), resume=steps_done > 0, save_dvc_exp=False, dvcyaml=False)
    # DVCLive itself would write into the project's dvc.yaml, or the same lines again at each step
    write_bytes_atomic(folder / "dvc.yaml", _DVC_PLOTS)

    def log(step: int, values: Mapping[str, float]) -> None:
        live.step = step
        for name, value in values.items():
            live.log_metric(name, value)
        live.sync()

    try:
        yield log
    finally:
        live.end()


def _drop_rows(table: Path, last_step: int) -> None:
    """Keep the header and complete rows up to `last_step`; remove a table without rows."""
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [row for row in lines[1:] if row.endswith("\n") and int(row.split("\t")[0]) <= last_step]
    if rows:
        write_bytes_atomic(table, "".join([lines[0], *rows]).encode())
    else:
        table.unlink()


@contextmanager
def _open_tensorboard(folder: Path, steps_done: int) -> Iterator[StepLog]:
    """An event file, which tells TensorBoard to ignore later steps in older files."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        raise _missing("tensorboard") from None
    with SummaryWriter(str(folder), purge_step=steps_done + 1) as writer:

        def log(step: int, values: Mapping[str, float]) -> None:
            for name, value in values.items():
                writer.add_scalar(name, value, step)
            writer.flush()

        yield log


def _missing(package: Logger) -> PipelineError:
    return PipelineError(
        f"run.loggers names {package}, which is not installed: run `pip install 'ezsd[{package}]'`, "
        "or take it out of the list"
    )


_OPENERS: Mapping[Logger, Callable[[Path, int], AbstractContextManager[StepLog]]] = {
    "dvclive": _open_dvclive,
    "tensorboard": _open_tensorboard,
}
