"""The figures of both parts in one file, `benchmarks/results/reliability.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.provenance import this_revision
from benchmarks.record import RESULTS, Measurement, Result, read_results, write_result

NAME = "reliability"


def publish(
    part: str, measurements: Sequence[Measurement], details: Mapping[str, Any], folder: Path = RESULTS
) -> None:
    """Replace the figures of one part, `faults` or `fuzz`, and keep those of the other.

    Each part's details name the commit that it was measured on; the file's own is that of the last part.
    """
    earlier = [result for result in read_results(folder) if result.name == NAME]
    kept = [one for result in earlier for one in result.measurements if not one.metric.startswith(f"{part}.")]
    others = {key: value for result in earlier for key, value in result.details.items() if key != part}
    everything = sorted([*kept, *measurements], key=lambda one: one.metric)
    own = {"measured_on": str(this_revision()), **details}
    write_result(Result(NAME, 0, everything, {**others, part: own}), folder)
