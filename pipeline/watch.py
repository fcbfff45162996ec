"""What the files outside the project hold, noted for DVC, which cannot see them itself."""

from pathlib import Path

from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params

WATCHED = "watched.json"


def note_outside_files(params: Params, root: Path) -> Path:
    """Write digests of all files that the stages read from outside, and return where.

    The file changes when one of them does, and only then: DVC runs again what depends on it.
    Raises what the stages raise for files that are missing or cannot be used.
    """
    digests = {name: stage.external_inputs(params, root) for name, stage in STAGES.items()}
    write_json_atomic(root / WATCHED, digests)
    return root / WATCHED
