"""Equal artifacts of runs beside each other share their files: they are linked, not made again."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ezsd.cache import manifest, writing
from ezsd.cache.contents import read_location
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import artifact_files
from ezsd.pipeline.stage import ARTIFACTS

RUNS = "runs"
"""Folder of a project with its named runs."""


def runs_beside(root: Path) -> list[Path]:
    """Roots of the other runs of the project: of a run `P/runs/a` they are `P` and all other `P/runs/*`."""
    project = root.parent.parent if root.parent.name == RUNS else root
    return [other for other in (project, *sorted((project / RUNS).glob("*"))) if other != root]


def link_equal(root: Path, stage: str, inputs: Mapping[str, Any]) -> bool:
    """Make the artifact of a stage from links to the files of an equal one of another run.

    Files are written aside and renamed, never changed in place, so neither run can change those of the other.
    Where the disk has no hard links they are copied. Every file is compared with its checksum.

    Returns:
        Whether an undamaged artifact with these inputs was found.

    Raises:
        ArtifactError: the folder holds files of something else.
    """
    folder = root / ARTIFACTS / stage
    for other in runs_beside(root):
        found = other / ARTIFACTS / stage
        try:
            known = manifest.require_current(found, inputs, fix="")
            if read_location(found) is not None:
                continue
        except ArtifactError:
            continue
        writing.begin(folder, stage, inputs)
        for name, file in artifact_files(found).items():
            _link(file.resolve(), folder / name)
        if writing.publish(folder, known.counts, known.facts).files == known.files:
            return True
        writing.erase(folder, stage, None)
    return False


def _link(file: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    try:
        os.link(file, link)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, link)
