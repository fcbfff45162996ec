"""`make bench`: runs every benchmark, or those named, each in a process of its own, and prints the table."""

import subprocess
import sys

from benchmarks import table
from benchmarks.provenance import REPOSITORY

NAMES = ("cli", "crops", "cache", "memory", "workers", "renorm", "mining", "train", "lvis", "demo")


def main(names: list[str]) -> int:
    """Returns how many failed; their last results stay."""
    if unknown := [name for name in names if name not in NAMES]:
        sys.exit(f"error: no benchmark is named {unknown[0]!r}: choose of {', '.join(NAMES)}")
    failed = [name for name in names or NAMES if not _run(name)]
    table.main()
    for name in failed:
        print(f"benchmark {name} failed: see what it said above", file=sys.stderr)
    return len(failed)


def _run(name: str) -> bool:
    print(f"benchmark {name}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=REPOSITORY).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
