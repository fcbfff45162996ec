"""One rehearsal of a shape at one size, in a folder of its own: each step in its own process, under watch.

What a step took is kept in the folder, so that a rehearsal that was stopped goes on there.
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
"""Photos that the step `reading` reads, of however many there are."""
MEASURED = ("prepare", "plan", "shards", "manifests", "samplers", "reading", "evaluate")
"""What is told of; the other steps make what these work on."""
_COMMANDS = {
    "prepare": ("ezsd-cli", "precompute", "--only", "prepare"),
    "plan": ("ezsd-cli", "plan", "--json"),
}
_ORDER = ("draw", "prepare", "shards", "manifests", "samplers", "reading", "look", "evaluate", "plan")
_LEAVES = {
    "draw": (DATA,),
    "prepare": ("artifacts/prepare",),
    "shards": ("artifacts/mine", "artifacts/embed"),
}
"""Folders with what a stopped step has left: it begins anew, since only then what it takes is that of all."""
GIB = 2**30


@dataclass(frozen=True)
class Taken:
    """What a step took: wall time, the processor's time, the most memory of its process, and what it says."""

    seconds: float
    cpu_seconds: float
    peak_gib: float
    said: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What the steps of `MEASURED` took at some share of a shape."""

    shape: Shape
    share: float
    taken: Mapping[str, Taken]


def rehearse(shape: Shape, root: Path) -> dict[str, Taken]:
    """Runs the steps that are not done in `root`; returns what those of `MEASURED` took, in that order."""
    root.mkdir(parents=True, exist_ok=True)
    write_json_atomic(root / SHAPE, asdict(shape))
    write_params(root, rehearsal_params(shape))
    taken = {step: _kept(step, shape, root) for step in _ORDER}
    return {step: taken[step] for step in MEASURED}


def read_shape(root: Path) -> Shape:
    """The shape that is rehearsed in `root`."""
    return Shape(**json.loads((root / SHAPE).read_bytes()))


def rehearsal_params(shape: Shape) -> dict[str, dict[str, object]]:
    """The preset's params for the drawn data, with small networks: only `plan` asks any, on a few photos."""
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
    tree["run"] |= {"workers": 1, "device": "cpu"}
    return tree


def _kept(step: str, shape: Shape, root: Path) -> Taken:
    """What the step took when it was done, or takes now."""
    path = root / "taken" / f"{step}.json"
    if not path.is_file():
        for folder in _LEAVES.get(step, ()):
            shutil.rmtree(root / folder, ignore_errors=True)
        path.parent.mkdir(exist_ok=True)
        write_json_atomic(path, asdict(_take(step, shape, root)))
    return Taken(**json.loads(path.read_bytes()))


def _take(step: str, shape: Shape, root: Path) -> Taken:
    print(f"{shape.kind}, {shape.photos:,} photos: {step}", file=sys.stderr, flush=True)
    own = (sys.executable, "-m", "benchmarks.rehearsal.steps", step)
    watched = watch(_COMMANDS.get(step, own), root)
    said = {} if step in _COMMANDS else json.loads(watched.output.splitlines()[-1])
    taken = Taken(watched.seconds, watched.cpu_seconds, watched.largest_bytes / GIB, said)
    told = f"{taken.seconds:.1f} s, {taken.cpu_seconds:.1f} s of the processor, {taken.peak_gib:.2f} GiB"
    print(f"  {told} {said or ''}", file=sys.stderr, flush=True)
    return taken
