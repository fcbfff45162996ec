"""`make rehearsal`: run both shapes at a tenth and at full size, and write the result and its page.

Measurements of this commit are kept in `benchmarks/work/rehearsal` until all are done, so that an interrupted
run resumes. The page is written after each size and lists what is not measured yet.
"""

import shutil
import sys
from collections.abc import Sequence

from benchmarks.provenance import REPOSITORY, this_revision
from benchmarks.record import RESULTS
from benchmarks.rehearsal.page import publish
from benchmarks.rehearsal.run import Outcome, rehearse
from benchmarks.rehearsal.shapes import SHAPES, Shape

SHARES = (0.1, 1.0)
WORK = REPOSITORY / "benchmarks" / "work" / "rehearsal"


def main(shares: Sequence[float] = SHARES) -> None:
    """Rehearse one size after the other, small ones first."""
    outcomes = []
    for share in shares:
        for shape in SHAPES:
            outcomes.append(_rehearse(shape, share))
            publish(outcomes, RESULTS, REPOSITORY / "docs")
    shutil.rmtree(WORK)


def _rehearse(shape: Shape, share: float) -> Outcome:
    folder = WORK / f"{this_revision().commit}-{shape.kind}-{share:g}"
    return Outcome(shape, share, rehearse(shape.part(share), folder))


if __name__ == "__main__":
    main(tuple(map(float, sys.argv[1:])) or SHARES)
