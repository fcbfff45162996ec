"""Scores of a finished run, grouped by the world's split, whatever the run's own split."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.ablation.plan import Run
from ezsd.cache.manifest import read_manifest
from ezsd.evaluation.groups import GROUPS
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder
from ezsd.split import Split

ByGroup = Mapping[str, float | None]


@dataclass(frozen=True)
class Outcome:
    """One run's numbers, in percent by group: base, novel, all.

    Attributes:
        steps: of training.
        AP50, AP: of the detector.
        teacher_accuracy: `raw` and `renormalized`, by group.
        proposal_recall: by group.
    """

    run: Run
    params: Params
    steps: int
    protocol: str
    AP50: ByGroup
    AP: ByGroup
    teacher_accuracy: Mapping[str, ByGroup]
    proposal_recall: ByGroup

    def as_json(self) -> dict[str, Any]:
        """Return plain values; of the run only row and seed."""
        values = asdict(self)
        run = values.pop("run")
        values.pop("params")
        return {"row": run["row"]["name"], "seed": run["seed"], **values}


def read_outcome(run: Run, params: Params, root: Path, split: Split) -> Outcome:
    """Read the outcome of the run in `root`; `split` is the world's."""
    evaluation = EvaluationFolder(artifact_folder(root, "evaluate"))
    metrics = evaluation.metrics
    return Outcome(
        run=run,
        params=params,
        steps=int(read_manifest(artifact_folder(root, "train")).counts["steps"]),
        protocol=metrics["protocol"],
        AP50=_means({row.category: row.AP50 for row in evaluation.classes}, split),
        AP=_means({row.category: row.AP for row in evaluation.classes}, split),
        teacher_accuracy=metrics["teacher_accuracy"],
        proposal_recall=metrics["proposal_recall"],
    )


def _means(value_of: Mapping[str, float | None], split: Split) -> dict[str, float | None]:
    """Average over the names of each group that have objects; None if there are none."""
    members = dict(zip(GROUPS, (split.base, split.novel, split.names), strict=True))
    counted = {
        group: [value for name in names if (value := value_of[name]) is not None]
        for group, names in members.items()
    }
    return {group: fmean(values) if values else None for group, values in counted.items()}
