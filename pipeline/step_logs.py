"""Numbers of a running training for DVCLive and TensorBoard, in `logs/`, which is no part of the artifacts.

A run that goes on from a checkpoint takes some steps again: what was logged of these before is dropped.
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
"""Takes how many steps are done, and values by name; a name may be `group/name`."""

_DVC_PLOTS = b"plots:\n- plots/metrics:\n    x: step\n"


@contextmanager
def open_logs(loggers: Sequence[Logger], folder: Path, steps_done: int) -> Iterator[StepLog]:
    """A log that passes everything on to each of `loggers`, which may be none.

    Args:
        folder: for the logs; each logger has its own below it.
        steps_done: steps that an earlier run has taken for good; 0 begins anew.

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
    """A table a value in `plots/metrics`, which DVC finds by the `dvc.yaml` beside it."""
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
    """Keep the head and the whole rows up to a step, with which a row begins; a table without rows goes."""
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [row for row in lines[1:] if row.endswith("\n") and int(row.split("\t")[0]) <= last_step]
    if rows:
        write_bytes_atomic(table, "".join([lines[0], *rows]).encode())
    else:
        table.unlink()


@contextmanager
def _open_tensorboard(folder: Path, steps_done: int) -> Iterator[StepLog]:
    """A file of events, which say that events of later steps in older files do not count."""
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
