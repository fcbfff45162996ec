"""What a rehearsal leaves: `benchmarks/results/rehearsal.json`, and `docs/full-size.md` from it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.rehearsal.caches import DIM, KEEP
from benchmarks.rehearsal.run import MEASURED, READ_PHOTOS, Outcome
from benchmarks.table import markdown_table
from ezsd.cache.atomic import write_bytes_atomic

NAME = "rehearsal"
PAGE = "full-size.md"
ABSENT = "–"
READING = "reading"
MEMORY_GIB = 24.0
GROWTH_SLACK = 1.1
"""Time counts as linear if it grows by no more than the size and a tenth for noise."""
FLAT = 0.8
"""Reading counts as flat if the large store is read with at least this share of the small one's speed."""

_INTRODUCTION = """# Full size

How long each stage takes, and how much memory its process holds at most, on data sets of COCO's and LVIS's
shape: as many photos, boxes with masks, names and shards as theirs, annotation files as large, under the
presets' params. Photos are tiny, and the caches hold {keep} proposals per photo of {dim} numbers each, where
the presets keep 300 of 512. So the work of networks is not in these numbers; all reading, checking, counting,
sorting and writing is.

- `prepare` and `plan` are the commands; `plan` has small networks and therefore a small probe.
- `shards` writes all shards of proposals and embeddings; `manifests` publishes both and checks them as
  later stages do.
- `samplers` goes from the labels to the order of the schedule's last step, as a resumed run does.
- `reading` reads the targets of {photos:,} photos in the order of training; its images per second are per
  second of CPU time.
- `evaluate` is the stage without its pass over the photos: it scores made-up detections, as many per photo as
  the preset keeps, with masks.

Each stage is a process of its own with one worker. Python's libraries alone take a few seconds and
{floor:.1f} GiB. *CPU* is CPU time, *wall* elapsed time: the machine did other work at the same time, so
growth is computed from CPU time.
"""


def make_result(outcomes: Sequence[Outcome]) -> Result:
    """Collect time and memory of each stage at each size, and their growth between sizes of a shape."""
    measurements = [one for outcome in outcomes for one in _measure(outcome)]
    for sizes in _by_shape(outcomes):
        measurements += [one for pair in pairwise(sizes) for one in _compare(*pair)]
    return Result(NAME, 0, measurements, {"runs": [_as_json(outcome) for outcome in outcomes]})


def publish(outcomes: Sequence[Outcome], results: Path, docs: Path) -> None:
    """Write result and page, each atomically."""
    result = make_result(outcomes)
    write_result(result, results)
    write_bytes_atomic(docs / PAGE, page(outcomes, result).encode())


def page(outcomes: Sequence[Outcome], result: Result) -> str:
    """Return the text of `docs/full-size.md`."""
    floor = min(one.peak_gib for outcome in outcomes for one in outcome.taken.values())
    parts = [_INTRODUCTION.format(keep=KEEP, dim=DIM, photos=READ_PHOTOS, floor=floor)]
    for sizes in _by_shape(outcomes):
        shape = sizes[0].shape
        parts.append(f"## {shape.kind.upper()}'s shape\n")
        parts.append(
            f"{shape.photos:,} photos with {shape.boxes:,} boxes of {shape.names:,} names to train on, "
            f"{shape.val_photos:,} with {shape.val_boxes:,} to validate. *1/10*: a tenth of all that.\n"
        )
        parts.append(stage_table(sizes) + "\n")
        if sizes[-1].share != 1:
            parts.append("The full size is not measured yet, so nothing here is a claim about it.\n")
    if any(one.taken.keys() != set(MEASURED) for one in outcomes):
        parts.append(f"{ABSENT}: not measured yet.\n")
    parts.append(f"Commit {result.revision}; {result.machine}. Written by `make rehearsal`.\n")
    return "\n".join(parts)


def stage_table(sizes: Sequence[Outcome]) -> str:
    """Format a line for each stage, with the numbers of each size of one shape."""
    columns = [f"{head} {_size(one)}" for head in ("CPU s", "wall s", "GiB") for one in sizes]
    lines = []
    for stage in MEASURED:
        taken = [one.taken.get(stage) for one in sizes]
        cpu = [ABSENT if one is None else f"{one.cpu_seconds:,.0f}" for one in taken]
        wall = [ABSENT if one is None else f"{one.seconds:,.0f}" for one in taken]
        memory = [ABSENT if one is None else f"{one.peak_gib:.2f}" for one in taken]
        lines.append((stage, *cpu, *wall, *memory, _reported(sizes, stage)))
    return markdown_table(("stage", *columns, "of these"), lines)


def _reported(sizes: Sequence[Outcome], stage: str) -> str:
    """`shards 174 (1/10), 1,731`"""
    reported = {_size(one): one.taken[stage].reported for one in sizes if stage in one.taken}
    keys = dict.fromkeys(key for one in reported.values() for key in one)
    return "; ".join(
        f"{key.replace('_', ' ')} "
        + ", ".join(f"{one[key]:,.0f} ({size})" for size, one in reported.items() if key in one)
        for key in keys
    )


def _measure(outcome: Outcome) -> Iterator[Measurement]:
    for stage, one in outcome.taken.items():
        name = f"{_name(outcome)}.{stage}"
        yield Measurement(f"{name}.seconds", one.seconds, "s")
        yield Measurement(f"{name}.cpu_seconds", one.cpu_seconds, "s")
        yield Measurement(f"{name}.peak_gib", one.peak_gib, "GiB", target=Target("<=", MEMORY_GIB))


def _compare(small: Outcome, large: Outcome) -> Iterator[Measurement]:
    """Measure the growth of the stages that both have."""
    name, both = _name(large), small.taken.keys() & large.taken.keys()
    if both:
        spent = [sum(one.taken[stage].cpu_seconds for stage in both) for one in (small, large)]
        times = large.share / small.share
        yield ratio(f"{name}.growth_{times:g}x", spent[1] / spent[0], Target("<=", GROWTH_SLACK * times))
    if READING in both:
        speed = [one.taken[READING].reported["images_per_second"] for one in (small, large)]
        yield ratio(f"{name}.{READING}.flat", speed[1] / speed[0], Target(">=", FLAT))


def _name(outcome: Outcome) -> str:
    """Return the prefix of metrics: the full size is not named."""
    size = "" if outcome.share == 1 else f"_{outcome.share:g}"
    return f"{NAME}.{outcome.shape.kind}{size}"


def _by_shape(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Group the sizes of each shape, small ones first."""
    by_share = sorted(outcomes, key=lambda outcome: outcome.share)
    kinds = dict.fromkeys(outcome.shape.kind for outcome in outcomes)
    return [[one for one in by_share if one.shape.kind == kind] for kind in kinds]


def _size(outcome: Outcome) -> str:
    return "whole" if outcome.share == 1 else f"1/{1 / outcome.share:g}"


def _as_json(outcome: Outcome) -> dict[str, Any]:
    taken = {stage: asdict(one) for stage, one in outcome.taken.items()}
    return {"shape": outcome.shape.kind, "share": outcome.share, "stages": taken}
