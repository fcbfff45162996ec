"""Digests for DVC of what stages depend on besides params and parents: code and external files."""

from pathlib import Path

from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.code_digest import code_digest
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params

WATCHED = "watched.json"


def note_inputs(params: Params, root: Path) -> Path:
    """Write the digests of each stage's code and external files; return the path of the file.

    DVC runs a stage again when its entry changes. Raises the stages' errors for missing or unusable files.
    """
    noted = {
        name: {
            "code": code_digest(*stage.modules(params)),
            "external": stage.external_inputs(params, root),
        }
        for name, stage in STAGES.items()
    }
    write_json_atomic(root / WATCHED, noted)
    return root / WATCHED
