"""Write the results: `benchmarks/results/ablation.json`, `docs/results.md` and `docs/ablation.svg`."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.ablation.chart import curve_chart
from benchmarks.ablation.page import COMMAND, results_page
from benchmarks.ablation.rows import CURVE
from benchmarks.ablation.scores import Outcome
from benchmarks.ablation.summary import curve, measure
from benchmarks.provenance import REPOSITORY
from benchmarks.record import RESULTS, Result, write_result
from ezsd.cache.atomic import write_bytes_atomic

NAME = "ablation"
PAGE = "results.md"
CHART = "ablation.svg"
DOCS = REPOSITORY / "docs"


def make_result(outcomes: Sequence[Outcome]) -> Result:
    """Collect the ratios, with the outcome of each row and seed as details."""
    seeds = sorted({outcome.run.seed for outcome in outcomes})
    runs = [outcome.as_json() for outcome in outcomes]
    return Result(NAME, seeds, measure(outcomes), {"command": COMMAND, "runs": runs})


def publish(outcomes: Sequence[Outcome], result: Result, results: Path = RESULTS, docs: Path = DOCS) -> None:
    """Write all three files, each atomically."""
    write_result(result, results)
    write_bytes_atomic(docs / PAGE, results_page(outcomes, result, CHART).encode())
    curves = {row.title: curve(outcomes, row, "novel") for row in CURVE}
    write_bytes_atomic(docs / CHART, curve_chart(curves).encode())
