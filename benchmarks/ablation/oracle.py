"""The oracle's data: the drawn world's own photos, with all its names declared base.

No param of the pipeline shows novel boxes to training. So the oracle gets the world as COCO-format data of a
user, with its own split; a split needs a novel name, so it gets one that no object has.
"""

import json
import os
from pathlib import Path

from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.data.sources import DataSources, Which
from ezsd.split import Split

NEVER_DRAWN = "nothing at all"
"""The oracle's novel name."""
_SETS: tuple[Which, ...] = ("train", "val")


def write_annotations(world: DataSources, folder: Path) -> None:
    """Write `train.json` and `val.json`: the world's annotations and a category without objects."""
    for which in _SETS:
        content = json.loads(world.of(which).annotations.read_bytes())
        unused = 1 + max(category["id"] for category in content["categories"])
        content["categories"].append({"id": unused, "name": NEVER_DRAWN})
        write_json_atomic(folder / f"{which}.json", content)


def data_overrides(world: DataSources, folder: Path, split: Split, root: Path) -> list[str]:
    """Return overrides of `data` for a run in `root`: these annotations, all names of `split` base."""
    data = {"format": "coco", "world": None, "split": {"base": split.names, "novel": [NEVER_DRAWN]}}
    for which in _SETS:
        data[f"{which}_photos"] = os.path.relpath(world.of(which).photos, root)
        data[f"{which}_annotations"] = os.path.relpath(folder / f"{which}.json", root)
    return [f"data.{key}={json.dumps(value)}" for key, value in data.items()]
