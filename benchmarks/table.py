"""Print all results as one table and write `docs/benchmarks.md`: `python -m benchmarks.table`."""

from collections.abc import Sequence

from benchmarks.provenance import REPOSITORY
from benchmarks.record import Measurement, Result, read_results
from ezsd.cache.atomic import write_bytes_atomic

PAGE = REPOSITORY / "docs" / "benchmarks.md"
HEADER = ("metric", "value", "unit", "baseline", "ratio", "target", "", "commit")
_LEFT = {"metric", "unit", "row", "re-normalized", "proposals", "regressor", "each seed", "in %", ""}

_INTRODUCTION = """# Measured

The last measurements of `make bench`, which writes this page from `benchmarks/results/`. To run one benchmark
alone: `python -m benchmarks.crops`. A ratio is value over baseline. Targets are aims; no test asserts them.

Real photos need `EZSD_PHOTOS`, a folder in COCO's layout, and `EZSD_TEACHER`, `module:function` of a teacher
that knows such photos: `python -m benchmarks.mining_real` and `python -m benchmarks.renorm_real`.

`python -m benchmarks.gpu` measures a GPU: teachers, R50, memory, and the plan of COCO. It has run in small on
a CPU, in a test, but on no GPU yet, so there is no number of it here.
"""

_CURVE = """
![Share of novel objects that the first proposals cover, against forwards per photo](mining.svg)

*The cascade with an increasing number of forwards; the rightmost point is the exhaustive miner.*
"""


def table_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Return the cells below `HEADER`: a row per measurement, in each result those with a target first."""
    rows = []
    for result in results:
        for one in sorted(result.measurements, key=lambda one: one.target is None):
            rows.append((*_cells(one), str(result.revision)))
    return rows


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table with padded columns."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = [
        "-" * width if name in _LEFT else "-" * (width - 1) + ":"
        for name, width in zip(header, widths, strict=True)
    ]
    lines = [header, rule, *rows]
    return "\n".join(
        f"| {' | '.join(_pad(*cell) for cell in zip(header, line, widths, strict=True))} |" for line in lines
    )


def page(results: Sequence[Result]) -> str:
    """Return the text of `docs/benchmarks.md`."""
    machines: dict[str, list[str]] = {}
    for result in results:
        machines.setdefault(str(result.machine), []).append(result.name)
    measured = [f"- {', '.join(names)}: {machine}" for machine, names in machines.items()]
    parts = [_INTRODUCTION, markdown_table(HEADER, table_rows(results)), _CURVE, "Measured on:\n", *measured]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Print the table of all results and write the page."""
    print(markdown_table(HEADER, table_rows(read_results())))
    write_page()


def write_page() -> None:
    """Write `docs/benchmarks.md` from all results."""
    write_bytes_atomic(PAGE, page(read_results()).encode())


def _cells(one: Measurement) -> tuple[str, ...]:
    return (
        one.metric,
        _number(one.value),
        one.unit,
        _number(one.baseline),
        _number(one.ratio),
        "" if one.target is None else str(one.target),
        one.verdict,
    )


def _number(value: float | None) -> str:
    """Format with three significant digits, without an exponent."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _pad(name: str, text: str, width: int) -> str:
    return text.ljust(width) if name in _LEFT else text.rjust(width)


if __name__ == "__main__":
    main()
