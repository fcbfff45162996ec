"""`make rehearsal`: runs both shapes at a tenth and at full size, and writes the result and its page.

What was measured of this commit is kept in `benchmarks/work/rehearsal`: a run that was stopped goes on there.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.provenance import REPOSITORY, this_revision
from benchmarks.record import RESULTS
from benchmarks.rehearsal.page import publish
from benchmarks.rehearsal.run import Outcome, Taken, rehearse
from benchmarks.rehearsal.shapes import SHAPES, Shape
from cache.atomic import write_json_atomic

SHARES = (0.1, 1.0)
WORK = REPOSITORY / "benchmarks" / "work" / "rehearsal"


def main(shares: Sequence[float] = SHARES) -> None:
    """One size after the other, the small ones first."""
    outcomes = [_kept(shape, share) for share in shares for shape in SHAPES]
    publish(outcomes, RESULTS, REPOSITORY / "docs")
    shutil.rmtree(WORK)


def _kept(shape: Shape, share: float) -> Outcome:
    """What an earlier run of this commit measured, or what is measured now."""
    path = WORK / f"{this_revision().commit}-{shape.kind}-{share:g}.json"
    if not path.is_file():
        with TemporaryDirectory(prefix="ezsd-rehearsal-") as folder:
            taken = rehearse(shape.part(share), Path(folder) / "run")
        write_json_atomic(path, {step: asdict(one) for step, one in taken.items()})
    taken = {step: Taken(**one) for step, one in json.loads(path.read_bytes()).items()}
    return Outcome(shape, share, taken)


if __name__ == "__main__":
    main(tuple(map(float, sys.argv[1:])) or SHARES)
