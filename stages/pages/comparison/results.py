"""Results to compare: those of runs, and published ones with their sources, in `published.yaml`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from ezsd.evaluation.groups import FREQUENCIES
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.evaluation_files import METRICS
from ezsd.pipeline.stage import ARTIFACTS
from ezsd.stages.pages.report.table import rules

AS_PRINTED = "published"
"""The status of a number that is as its paper has it."""

Values = Mapping[str, Mapping[str, float | None]]
"""Measure (`AP50`, `AP`, ...) -> group (`base`, `novel`, `all`, of LVIS also `rare`, ...) -> percent."""

Question = Mapping[str, Any]
"""What two runs must share for their numbers to be compared: key -> value, all from `metrics.json`."""


@dataclass(frozen=True)
class PublishedResult:
    """One row of the literature.

    Args:
        protocol: as in `metrics.json`, or None where the source does not say it.
        status: `AS_PRINTED`, or how else the number was come by, such as "recalled".
        photos: how many the split is evaluated on; None where that is not known.
        needs: what it costs or builds on. title, url: the source.
    """

    method: str
    split: str
    protocol: str | None
    status: str
    values: Values
    photos: int | None
    needs: str
    title: str
    url: str

    @property
    def name(self) -> str:
        """The method, with the status where that is not `AS_PRINTED`."""
        return self.method if self.status == AS_PRINTED else f"{self.method} ({self.status})"


def read_published() -> list[PublishedResult]:
    """All of the packaged file, in its order."""
    text = (resources.files("ezsd.stages.pages.comparison") / "published.yaml").read_text(encoding="utf-8")
    tree = yaml.safe_load(text)
    return [
        PublishedResult(**result, **tree["sources"][source], photos=tree["photos"].get(result["split"]))
        for source, result in ((row.pop("source"), row) for row in tree["results"])
    ]


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
