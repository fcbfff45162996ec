"""Write the pages of the ablation, and `benchmarks/results/ablation.json`, from the runs' scores.

`python -m benchmarks.ablation.publish` does it without training.
"""

from pathlib import Path

from benchmarks.ablation.chart import curve_chart
from benchmarks.ablation.page import COMMAND, results_page
from benchmarks.ablation.plan import PARTS, plan_runs
from benchmarks.ablation.rows import CURVE, ROWS
from benchmarks.ablation.runs import plan_all, read_current
from benchmarks.ablation.scores import Outcomes, Scores
from benchmarks.ablation.summary import curve, measure
from benchmarks.provenance import REPOSITORY
from benchmarks.record import RESULTS, Result, write_result
from benchmarks.table import write_page
from ezsd.cache.atomic import write_bytes_atomic

NAME = "ablation"
PAGE = "results.md"
CHART = "ablation.svg"
DOCS = REPOSITORY / "docs"
SCORES = Scores(RESULTS / NAME)


def main() -> None:
    """Publish the scores of the current code and params that there are."""
    planned = plan_all(plan_runs(ROWS, None, PARTS), ())
    publish(read_current(planned, SCORES), len(planned))
    write_page()


def publish(outcomes: Outcomes, planned: int, results: Path = RESULTS, docs: Path = DOCS) -> None:
    """Write all three files, each atomically; `planned` is the number of all runs."""
    seeds = sorted({run.seed for run in outcomes})
    details = {"command": COMMAND, "runs": len(outcomes), "planned": planned}
    write_result(Result(NAME, seeds, measure(outcomes), details), results)
    write_bytes_atomic(docs / PAGE, results_page(outcomes, planned, CHART).encode())
    curves = {row.title: curve(outcomes, row, "novel") for row in CURVE}
    write_bytes_atomic(docs / CHART, curve_chart(curves).encode())


if __name__ == "__main__":
    main()
