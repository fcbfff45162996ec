"""The files of `artifacts/evaluate`.

- `metrics.json`: all numbers, in percent. `per_class.csv`, `errors.csv`: tables, also for `dvc plots`.
- `detections.json`: COCO results. `ground_truth.json`: COCO annotations of the scored photos. pycocotools
  reads both.
- `ensemble_detections.json`, with an ensemble only: the same boxes with its scores.
- `classifier.npz`, with probing only: the weights that find each name, for `predict --names` too.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ezsd.cache.atomic import write_bytes_atomic, write_json_atomic
from ezsd.cache.checked import read_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.tables import read_table, table_bytes
from ezsd.evaluation.groups import GROUPS
from ezsd.pipeline.evaluation_forms import check_detections, check_metrics, check_truth

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

FIX = "run `ezsd-cli eval --force`"

R = TypeVar("R")


@dataclass(frozen=True)
class Evaluation:
    """Content of all files; `ensemble_detections` is None without an ensemble."""

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
    """The folder `artifacts/evaluate`; each file is read on first use.

    Every property raises ArtifactError when its file is missing or damaged.
    """

    folder: Path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All numbers."""
        value = self._json(METRICS)
        return self._checked(METRICS, lambda: check_metrics(value))

    @cached_property
    def classes(self) -> "list[ClassRow]":
        """A row for each category, base first."""
        return self._rows(PER_CLASS, _class_row)

    @cached_property
    def errors(self) -> "list[ErrorRow]":
        """Error types: counts of found and missed objects and of false positives, by group."""
        return self._checked(ERRORS, lambda: _complete(self._rows(ERRORS, _error_row)))

    @cached_property
    def detections(self) -> "list[Record]":
        """COCO results."""
        value = self._json(DETECTIONS)
        return self._checked(DETECTIONS, lambda: check_detections(value, self.ground_truth))

    @cached_property
    def ground_truth(self) -> dict[str, Any]:
        """COCO annotations of the photos that were scored."""
        value = self._json(GROUND_TRUTH)
        return self._checked(GROUND_TRUTH, lambda: check_truth(value))

    def _json(self, name: str) -> Any:
        return read_json(self.folder / name, FIX)

    def _rows(self, name: str, parse: Callable[[dict[str, str]], R]) -> list[R]:
        rows = read_table(self.folder / name, FIX)
        return self._checked(name, lambda: [parse(row) for row in rows])

    def _checked(self, name: str, make: Callable[[], R]) -> R:
        try:
            return make()
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{self.folder / name} is not what `ezsd-cli eval` writes; {FIX}") from error


def _csv(kind: type, rows: Sequence[Any]) -> bytes:
    """A table with the dataclass's fields as its header."""
    return table_bytes([field.name for field in fields(kind)], map(asdict, rows))


def _class_row(row: dict[str, str]) -> "ClassRow":
    from ezsd.evaluation.metrics import ClassRow

    scores = {name: cell for name, cell in row.items() if name not in ("category", "group", "objects")}
    return ClassRow(
        category=row["category"],
        group=row["group"],
        objects=int(row["objects"]),
        **{score: _percent(cell) for score, cell in scores.items()},
    )


def _error_row(row: dict[str, str]) -> "ErrorRow":
    from ezsd.evaluation.error_types import ErrorRow

    return ErrorRow(row["group"], row["kind"], int(row["count"]), _percent(row["percent"]))


def _complete(rows: "list[ErrorRow]") -> "list[ErrorRow]":
    """The rows, which must be one for each group and kind."""
    from ezsd.evaluation.error_types import KINDS

    if Counter((row.group, row.kind) for row in rows) != Counter(product(GROUPS, KINDS)):
        raise ValueError("a group or kind is missing, or comes twice")
    return rows


def _lines(records: "Sequence[Record]") -> bytes:
    """A JSON list with one record per line: a tenth of the size of indented JSON."""
    body = ",\n".join(json.dumps(record, separators=(",", ":"), allow_nan=False) for record in records)
    return f"[{body}]\n".encode()


def _percent(cell: str) -> float | None:
    if not cell:
        return None
    percent = float(cell)
    if not 0 <= percent <= 100:
        raise ValueError(f"{cell} is not a percentage")
    return percent
