"""What stands in the way of a run: too little disk or memory."""

import os
import resource
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ezsd.cache.folders import artifact_files
from ezsd.pipeline.plan.text import format_bytes
from ezsd.pipeline.runner import artifact_folder


def disk_warnings(root: Path, needed: Mapping[str, int]) -> Sequence[str]:
    """One sentence if the stages' bytes, without what lies there already, are more than what is free."""
    missing = sum(max(0, size - _present(artifact_folder(root, stage))) for stage, size in needed.items())
    free = shutil.disk_usage(root).free
    if missing <= free:
        return ()
    return (
        f"the disk of {root} has {format_bytes(free)} free, the artifacts need {format_bytes(missing)} more: "
        "free space, or lower mine.keep, or set embed.dtype to int8",
    )


def memory_warnings(workers: int) -> Sequence[str]:
    """One sentence if as many workers as there will be need more memory than the machine has."""
    unit = 1 if sys.platform == "darwin" else 1024
    own, child = (
        resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    needed, there = max(own, workers * child), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed <= there:
        return ()
    return (
        f"{workers} workers need {format_bytes(needed)} of memory, the machine has {format_bytes(there)}: "
        "set run.workers lower",
    )


def _present(folder: Path) -> int:
    return sum(path.stat().st_size for path in artifact_files(folder).values())
