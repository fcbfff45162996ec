"""The result of a benchmark: `benchmarks/results/<name>.json`, with the machine, the commit and the seed."""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.provenance import Machine, Revision, this_machine, this_revision
from ezsd.cache.atomic import write_json_atomic

RESULTS = Path(__file__).resolve().parent / "results"

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Target:
    """A bound on a value: `Target("<=", 0.1)`."""

    comparison: str
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether the value satisfies the bound."""
        return _COMPARISONS[self.comparison](value, self.bound)

    def __str__(self) -> str:
        return f"{self.comparison} {self.bound:g}"

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Parse a target: the inverse of `str`."""
        comparison, bound = text.split()
        return cls(comparison, float(bound))


@dataclass(frozen=True)
class Measurement:
    """One number.

    Attributes:
        metric: its name, prefixed with that of the benchmark: `crops.speedup_vs_pil`.
        value: measured; None if it was never reached, which misses any target.
        unit: of the value; `x` for a ratio.
        baseline: to compare with, in the same unit; 1 for a ratio.
        target: bound on the value.
    """

    metric: str
    value: float | None
    unit: str
    baseline: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Value over baseline."""
        return self.value / self.baseline if self.baseline and self.value is not None else None

    @property
    def verdict(self) -> str:
        """`met` or `MISSED`; empty without a target."""
        if self.target is None:
            return ""
        return "met" if self.value is not None and self.target.is_met(self.value) else "MISSED"

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "metric": self.metric,
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "ratio": self.ratio,
            "target": None if self.target is None else str(self.target),
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Measurement":
        """Read plain values: the inverse of `as_json`."""
        target = None if entry["target"] is None else Target.parse(entry["target"])
        return cls(entry["metric"], entry["value"], entry["unit"], entry["baseline"], target)


def ratio(metric: str, value: float, target: Target | None = None) -> Measurement:
    """Make a measurement that is itself a ratio."""
    return Measurement(metric, value, "x", 1.0, target)


@dataclass(frozen=True)
class Result:
    """All numbers of one run of a benchmark.

    Attributes:
        name: of the benchmark, and of its file.
        seed: of everything random; all seeds if there were several runs.
        measurements: the numbers.
        details: plain values that explain them, such as settings.
    """

    name: str
    seed: int | Sequence[int]
    measurements: Sequence[Measurement]
    details: Mapping[str, Any] = field(default_factory=dict)
    machine: Machine = field(default_factory=this_machine)
    revision: Revision = field(default_factory=this_revision)


def write_result(result: Result, folder: Path = RESULTS) -> Path:
    """Write `<folder>/<name>.json` and return its path."""
    path = folder / f"{result.name}.json"
    tree = {
        "machine": asdict(result.machine),
        **asdict(result.revision),
        "seed": result.seed,
        "results": [measurement.as_json() for measurement in result.measurements],
        "details": result.details,
    }
    write_json_atomic(path, tree)
    return path


def read_results(folder: Path = RESULTS) -> list[Result]:
    """Read all results in a folder, sorted by name."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Result:
    tree = json.loads(path.read_text(encoding="utf-8"))
    return Result(
        name=path.stem,
        seed=tree["seed"],
        measurements=[Measurement.from_json(entry) for entry in tree["results"]],
        details=tree["details"],
        machine=Machine(**tree["machine"]),
        revision=Revision(tree["commit"], tree["dirty"]),
    )
