"""`make bench`: run every benchmark, or the named ones, each in its own process, and print the table."""

import subprocess
import sys

from benchmarks import table
from benchmarks.provenance import REPOSITORY

NAMES = (
    "cli",
    "crops",
    "cache",
    "memory",
    "workers",
    "renorm",
    "mining",
    "overhead",
    "train",
    "lvis",
    "predict",
    "demo",
)
"""Those for every machine: `mining_real` and `renorm_real` need photos and a teacher, `gpu` a GPU."""


def main(names: list[str]) -> int:
    """Run the benchmarks; return how many failed. A failed one keeps its last result."""
    if unknown := [name for name in names if name not in NAMES]:
        sys.exit(f"error: no benchmark is named {unknown[0]!r}: choose from {', '.join(NAMES)}")
    failed = [name for name in names or NAMES if not _run(name)]
    table.main()
    for name in failed:
        print(f"benchmark {name} failed: see its output above", file=sys.stderr)
    return len(failed)


def _run(name: str) -> bool:
    print(f"benchmark {name}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=REPOSITORY).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
