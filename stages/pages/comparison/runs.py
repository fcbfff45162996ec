"""What a run's `metrics.json` says, and which question it answers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezsd.evaluation.groups import FREQUENCIES
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.evaluation_files import METRICS
from ezsd.pipeline.stage import ARTIFACTS
from ezsd.stages.pages.comparison.published import Values
from ezsd.stages.pages.report.table import rules

Question = Mapping[str, Any]
"""What two runs must share for their numbers to be compared: key -> value, all from `metrics.json`."""


@dataclass(frozen=True)
class RunResult:
    """The numbers of one run, and the question that they answer."""

    name: str
    question: Question
    values: Values


def read_run(path: Path) -> RunResult:
    """Read a `metrics.json`, or that of a run's folder; the run is named as it was given.

    Raises PipelineError when there is none, or the file is something else.
    """
    file = _find_metrics(path)
    try:
        metrics = json.loads(file.read_bytes())
        masks = {"AP of masks": _means(metrics["masks"])} if "masks" in metrics else {}
        question = {
            "protocol": metrics["protocol"],
            **dict(_flat(metrics["data"])),
            "scored by": rules(metrics),
        }
        values = {"AP50": metrics["AP50"], "AP": _means(metrics), **masks}
        return RunResult(path.as_posix(), question, values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise PipelineError(
            f"{file} is no {METRICS} of `ezsd-cli eval`: give the folder of an evaluated run"
        ) from None


def _find_metrics(path: Path) -> Path:
    if path.is_file():
        return path
    inside = (path / ARTIFACTS / "evaluate" / METRICS, path / METRICS)
    for file in inside:
        if file.is_file():
            return file
    raise PipelineError(
        f"{path} has no {inside[0].relative_to(path)}: give the folder of an evaluated run, or run "
        "`ezsd-cli eval` there"
    )


def _means(scores: Mapping[str, Any]) -> dict[str, float | None]:
    """AP by group, and by frequency where that is told."""
    by_frequency = {word: scores[key] for kind, word in FREQUENCIES.items() if (key := f"AP{kind}") in scores}
    return {**scores["AP"], **by_frequency}


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """`{"objects": {"base": 3}}` -> `("base objects", 3)`."""
    for key, value in tree.items():
        name = f"{key} {above}".rstrip()
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, value
