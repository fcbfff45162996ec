"""What `evaluate` leaves behind.

- `metrics.json`: all numbers, in percent. `per_class.csv`, `errors.csv`: tables, also for `dvc plots`.
- `detections.json`: COCO results. `ground_truth.json`: COCO annotations of what was scored. pycocotools reads
  both by itself.
- `ensemble_detections.json`, where there is an ensemble: the same boxes with its scores.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.errors import ArtifactError

if TYPE_CHECKING:
    from ezsd.evaluation.coco_form import Record
    from ezsd.evaluation.error_types import ErrorRow
    from ezsd.evaluation.metrics import ClassRow

METRICS = "metrics.json"
PER_CLASS = "per_class.csv"
ERRORS = "errors.csv"
DETECTIONS = "detections.json"
ENSEMBLE_DETECTIONS = "ensemble_detections.json"
GROUND_TRUTH = "ground_truth.json"


@dataclass(frozen=True)
class Evaluation:
    """All that is written; `ensemble_detections` are None without an ensemble."""

    metrics: Mapping[str, Any]
    classes: "Sequence[ClassRow]"
    errors: "Sequence[ErrorRow]"
    detections: "Sequence[Record]"
    ensemble_detections: "Sequence[Record] | None"
    ground_truth: Mapping[str, Any]


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write all files, each whole or not at all."""
    from ezsd.evaluation.error_types import ErrorRow
    from ezsd.evaluation.metrics import ClassRow

    write_json_atomic(folder / METRICS, evaluation.metrics)
    write_bytes_atomic(folder / PER_CLASS, _csv(ClassRow, evaluation.classes))
    write_bytes_atomic(folder / ERRORS, _csv(ErrorRow, evaluation.errors))
    write_bytes_atomic(folder / DETECTIONS, _lines(evaluation.detections))
    if evaluation.ensemble_detections is not None:
        write_bytes_atomic(folder / ENSEMBLE_DETECTIONS, _lines(evaluation.ensemble_detections))
    write_json_atomic(folder / GROUND_TRUTH, evaluation.ground_truth)


@dataclass(frozen=True)
class EvaluationFolder:
    """The folder `artifacts/evaluate`; each file is read when it is first asked for.

    Every property raises ArtifactError when its file is missing or damaged.
    """

    folder: Path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All numbers."""
        return self._json(METRICS)

    @cached_property
    def classes(self) -> "list[ClassRow]":
        """A row for each category, base first."""
        from ezsd.evaluation.metrics import ClassRow

        return [
            ClassRow(
                category=row.pop("category"),
                group=row.pop("group"),
                objects=int(row.pop("objects")),
                **{score: _percent(cell) for score, cell in row.items()},
            )
            for row in self._rows(PER_CLASS)
        ]

    @cached_property
    def errors(self) -> "list[ErrorRow]":
        """Fates of objects, and boxes on nothing, by group."""
        from ezsd.evaluation.error_types import ErrorRow

        return [
            ErrorRow(row["group"], row["kind"], int(row["count"]), _percent(row["percent"]))
            for row in self._rows(ERRORS)
        ]

    @cached_property
    def detections(self) -> "list[Record]":
        """COCO results."""
        return self._json(DETECTIONS)

    @cached_property
    def ground_truth(self) -> dict[str, Any]:
        """COCO annotations of the photos that were scored."""
        return self._json(GROUND_TRUTH)

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            raise self._damaged(name) from None

    def _rows(self, name: str) -> list[dict[str, str]]:
        try:
            return list(csv.DictReader(io.StringIO((self.folder / name).read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError):
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> ArtifactError:
        return ArtifactError(f"{self.folder / name} is missing or damaged: run `ezsd-cli eval --force`")


def _csv(kind: type, rows: Sequence[Any]) -> bytes:
    """A table with the dataclass's fields as its head; None becomes an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue().encode()


def _lines(records: "Sequence[Record]") -> bytes:
    """A JSON list with one record a line: a tenth of the size that indentation would give."""
    body = ",\n".join(json.dumps(record, separators=(",", ":"), allow_nan=False) for record in records)
    return f"[{body}]\n".encode()


def _percent(cell: str) -> float | None:
    return float(cell) if cell else None
