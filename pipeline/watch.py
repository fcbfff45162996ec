"""What the stages depend on besides params and parents, noted for DVC, which cannot see it itself."""

from pathlib import Path

from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.code_digest import code_digest
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params

WATCHED = "watched.json"


def note_inputs(params: Params, root: Path) -> Path:
    """Write for each stage the digests of its code and of the files that it reads from outside; return where.

    DVC runs a stage again when what stands under its name changes.
    Raises what the stages raise for files that are missing or cannot be used.
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
