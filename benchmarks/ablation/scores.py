"""A run's scores: a small file for each run, `benchmarks/results/ablation/<run>.json`, kept in git."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.ablation.plan import Run
from benchmarks.provenance import this_machine, this_revision
from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.manifest import read_manifest
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.runner import artifact_folder

ByGroup = Mapping[str, float | None]


@dataclass(frozen=True)
class Outcome:
    """One run's numbers, in percent by group: base, novel, all.

    Attributes:
        fingerprint: of all that they depend on.
        commit: of the code.
        cpu: its kind: sums are rounded differently on another.
        seconds: of training and evaluation, on one core.
        steps: of training.
        AP50, AP: of the detector; of the ensemble where there is one.
        teacher_accuracy: `raw` and `renormalized`, by group.
        student: its `naming` of true boxes, by group.
        proposal_recall: by group.
    """

    fingerprint: str
    commit: str
    cpu: str
    seconds: float
    steps: int
    protocol: str
    AP50: ByGroup
    AP: ByGroup
    teacher_accuracy: Mapping[str, ByGroup]
    student: Mapping[str, ByGroup]
    proposal_recall: ByGroup


_SCORES = ("AP50", "AP")
_OTHERS = ("protocol", "teacher_accuracy", "student", "proposal_recall")
"""Metrics of the evaluation that are kept."""

Outcomes = Mapping[Run, Outcome]


def moved(before: Outcome, after: Outcome) -> list[str]:
    """Name the numbers in which two outcomes differ; origin and duration do not count."""
    return [name for name in ("steps", *_SCORES, *_OTHERS) if getattr(before, name) != getattr(after, name)]


def read_outcome(root: Path, fingerprint: str, seconds: float) -> Outcome:
    """Read the outcome of the finished run in `root`."""
    metrics = EvaluationFolder(artifact_folder(root, "evaluate")).metrics
    scored = metrics.get("ensemble", metrics)
    return Outcome(
        fingerprint=fingerprint,
        commit=str(this_revision()),
        cpu=this_machine().cpu,
        seconds=round(seconds, 1),
        steps=int(read_manifest(artifact_folder(root, "train")).counts["steps"]),
        **{name: scored[name] for name in _SCORES},
        **{name: metrics[name] for name in _OTHERS},
    )


@dataclass(frozen=True)
class Scores:
    """The folder of the files."""

    folder: Path

    def write(self, run: Run, outcome: Outcome) -> None:
        """Write a run's file."""
        write_json_atomic(self._path(run), asdict(outcome))

    def read(self, run: Run, fingerprint: str) -> Outcome | None:
        """Return a run's outcome; None if there is none of this fingerprint."""
        kept = self.kept(run)
        return kept if kept is not None and kept.fingerprint == fingerprint else None

    def kept(self, run: Run) -> Outcome | None:
        """Return a run's outcome, current or not; None if there is none."""
        path = self._path(run)
        if not path.is_file():
            return None
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Outcome(**{field.name: values[field.name] for field in fields(Outcome)})

    def _path(self, run: Run) -> Path:
        return self.folder / f"{run.name}.json"
