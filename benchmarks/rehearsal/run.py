"""One rehearsal of a shape at one size, in its own folder: each step in its own process, measured.

The measurements of a step are kept in the folder, so that an interrupted rehearsal resumes.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from benchmarks.rehearsal.caches import KEEP
from benchmarks.rehearsal.shapes import Shape
from benchmarks.runs import write_params
from benchmarks.watch import watch
from ezsd.cache.atomic import write_json_atomic
from ezsd.pipeline.params import preset_text

DATA = "data"
SHAPE = "shape.json"
READ_PHOTOS = 10_000
"""At most how many photos the step `reading` reads."""
MEASURED = ("prepare", "plan", "shards", "manifests", "samplers", "reading", "evaluate")
"""The reported steps; the others make their inputs."""
_COMMANDS = {
    "prepare": ("ezsd-cli", "precompute", "--only", "prepare"),
    "plan": ("ezsd-cli", "plan", "--json"),
}
_ORDER = ("draw", "prepare", "shards", "manifests", "samplers", "reading", "detections", "evaluate", "plan")
_OUTPUTS = {
    "draw": (DATA,),
    "prepare": ("artifacts/prepare",),
    "shards": ("artifacts/mine", "artifacts/embed"),
}
"""Folders to remove before a step: it starts over, so that its time is that of the whole step."""
GIB = 2**30


@dataclass(frozen=True)
class Taken:
    """Cost of a step: wall time, CPU time, peak memory of its process, and numbers that it reports."""

    seconds: float
    cpu_seconds: float
    peak_gib: float
    reported: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """Costs of the steps of `MEASURED` at a share of a shape."""

    shape: Shape
    share: float
    taken: Mapping[str, Taken]


def rehearse(shape: Shape, root: Path) -> dict[str, Taken]:
    """Run the steps not done yet in `root`; return the costs of those of `MEASURED`, in that order."""
    root.mkdir(parents=True, exist_ok=True)
    write_json_atomic(root / SHAPE, asdict(shape))
    write_params(root, rehearsal_params(shape))
    taken = {step: _recorded(step, shape, root) for step in _ORDER}
    return {step: taken[step] for step in MEASURED}


def read_shape(root: Path) -> Shape:
    """Read the shape that is rehearsed in `root`."""
    return Shape(**json.loads((root / SHAPE).read_bytes()))


def rehearsal_params(shape: Shape) -> dict[str, dict[str, object]]:
    """Return the preset's params for the drawn data, with small networks, which only `plan` runs."""
    tree, demo = (yaml.safe_load(preset_text(name)) for name in (shape.kind, "demo"))
    tree["teacher"] = demo["teacher"]
    own, tree["train"] = tree["train"], demo["train"]
    tree["train"]["repeat_threshold"] = own["repeat_threshold"]
    tree["train"]["schedule"] |= {
        key: own["schedule"][key] for key in ("images_per_step", "epochs", "decay_epochs")
    }
    tree["train"]["examples"]["short_sides"] = [48]
    tree["train"]["detector"] |= {
        "mask_head": {"convolutions": 1, "channels": 8},
        "short_side": 48,
        "long_side": 64,
    }
    tree["renorm"] |= {"method": "none"}
    anchors = {"long_side": 64, "short_side": 48, "stride": 64, "scales": [1], "ratios": [1.0]}
    tree["mine"] |= {**anchors, "post_nms_top_n": KEEP, "keep": KEEP}
    both = {"train": "train2017", "val": "val2017"} if shape.kind == "coco" else {"train": "", "val": ""}
    for which, below in both.items():
        tree["data"][f"{which}_photos"] = str(Path(DATA, below))
        tree["data"][f"{which}_annotations"] = str(Path(DATA, f"{which}.json"))
    # all photos are a few files under many names
    tree["run"] |= {"workers": 1, "device": "cpu", "allow": ["same-photos"]}
    return tree


def _recorded(step: str, shape: Shape, root: Path) -> Taken:
    """Return the recorded cost of the step, or run it."""
    path = root / "taken" / f"{step}.json"
    if not path.is_file():
        for folder in _OUTPUTS.get(step, ()):
            shutil.rmtree(root / folder, ignore_errors=True)
        path.parent.mkdir(exist_ok=True)
        write_json_atomic(path, asdict(_take(step, shape, root)))
    return Taken(**json.loads(path.read_bytes()))


def _take(step: str, shape: Shape, root: Path) -> Taken:
    print(f"{shape.kind}, {shape.photos:,} photos: {step}", file=sys.stderr, flush=True)
    own = (sys.executable, "-m", "benchmarks.rehearsal.steps", step)
    watched = watch(_COMMANDS.get(step, own), root)
    reported = {} if step in _COMMANDS else json.loads(watched.output.splitlines()[-1])
    taken = Taken(watched.seconds, watched.cpu_seconds, watched.largest_bytes / GIB, reported)
    cost = f"{taken.seconds:.1f} s, {taken.cpu_seconds:.1f} s of CPU time, {taken.peak_gib:.2f} GiB"
    print(f"  {cost} {reported or ''}", file=sys.stderr, flush=True)
    return taken
