"""What a rehearsal leaves: `benchmarks/results/rehearsal.json`, and `docs/full-size.md` from it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.rehearsal.caches import DIM, KEEP
from benchmarks.rehearsal.run import MEASURED, READ_PHOTOS, Outcome
from benchmarks.rehearsal.shapes import Shape
from benchmarks.table import markdown_table
from cache.atomic import write_bytes_atomic

NAME = "rehearsal"
PAGE = "full-size.md"
MEMORY_GIB = 24.0
GROWTH_SLACK = 1.1
"""Time grows linearly when it grows by no more than the size, and a tenth for noise."""
FLAT = 0.8
"""Reading stays flat when the large store is read at so much of the small one's speed, at least."""

_INTRODUCTION = """# Full size

How long each stage takes, and how much memory its process holds at most, on data sets of COCO's and LVIS's
shape: as many photos, boxes with masks, names and shards as theirs, annotation files as large, under the
presets' params. Photos are tiny, and the caches hold {keep} proposals a photo and {dim} numbers an embedding,
where the presets keep 300 of 512: what networks compute is not here; all that is read, checked, counted,
sorted and written is.

- `prepare` and `plan` are the commands, the latter with small networks and therefore a small probe.
- `shards` writes all shards of proposals and embeddings; `manifests` publishes both and looks at them as
  later stages do.
- `samplers` goes from the labels to the order of the schedule's last step, as a resumed run does.
- `reading` reads the targets of {photos:,} photos in the order of training; its images per second are those
  of the processor's time.
- `evaluate` is the stage after its look at the photos: made-up detections, as many a photo as the preset
  keeps, with masks.

Each stage is a process of its own, with one worker, and begins with some seconds and {floor:.1f} GiB for
Python's libraries. *CPU* is the processor's time, *wall* what a clock shows: the machine did other work at
the same time, so that growth is read from the former.
"""


def make_result(outcomes: Sequence[Outcome]) -> Result:
    """Time and memory of each stage at a shape's largest size, compared with its smallest."""
    measurements: list[Measurement] = []
    for large in _largest(outcomes):
        measurements += _measure(_smallest_of(outcomes, large.shape), large)
    return Result(NAME, 0, measurements, {"runs": [_as_json(outcome) for outcome in outcomes]})


def publish(outcomes: Sequence[Outcome], results: Path, docs: Path) -> None:
    """Write result and page, each whole or not at all."""
    result = make_result(outcomes)
    write_result(result, results)
    write_bytes_atomic(docs / PAGE, page(outcomes, result).encode())


def page(outcomes: Sequence[Outcome], result: Result) -> str:
    """The text of `docs/full-size.md`."""
    floor = min(one.peak_gib for outcome in outcomes for one in outcome.taken.values())
    parts = [_INTRODUCTION.format(keep=KEEP, dim=DIM, photos=READ_PHOTOS, floor=floor)]
    for large in _largest(outcomes):
        shape = large.shape.part(large.share)
        parts.append(f"## {shape.kind.upper()}'s shape\n")
        parts.append(
            f"{shape.photos:,} photos with {shape.boxes:,} boxes of {shape.names:,} names to train on, "
            f"{shape.val_photos:,} with {shape.val_boxes:,} to validate: {_share(large)}.\n"
        )
        parts.append(stage_table(_smallest_of(outcomes, large.shape), large) + "\n")
    parts.append(f"Commit {result.revision}; {result.machine}. Written by `make rehearsal`.\n")
    return "\n".join(parts)


def stage_table(small: Outcome, large: Outcome) -> str:
    """A line for each stage; sizes are told by their share of the whole."""
    before = f"{small.share:g}"
    header = ("stage", "CPU s", f"at {before}", "wall s", "GiB", f"GiB at {before}", "also")
    lines = []
    for stage in MEASURED:
        one, other = large.taken[stage], small.taken[stage]
        also = ", ".join(
            f"{key.replace('_', ' ')} {value:,.0f} (at {before}: {other.said[key]:,.0f})"
            for key, value in one.said.items()
        )
        numbers = (one.cpu_seconds, other.cpu_seconds, one.seconds)
        memory = (one.peak_gib, other.peak_gib)
        lines.append((stage, *(f"{n:,.0f}" for n in numbers), *(f"{n:.2f}" for n in memory), also))
    return markdown_table(header, lines)


def _measure(small: Outcome, large: Outcome) -> Iterator[Measurement]:
    name = f"{NAME}.{large.shape.kind}"
    for stage in MEASURED:
        one, other = large.taken[stage], small.taken[stage]
        yield Measurement(f"{name}.{stage}.seconds", one.seconds, "s", other.seconds)
        yield Measurement(f"{name}.{stage}.cpu_seconds", one.cpu_seconds, "s", other.cpu_seconds)
        peak_gib = one.peak_gib
        yield Measurement(
            f"{name}.{stage}.peak_gib", peak_gib, "GiB", other.peak_gib, Target("<=", MEMORY_GIB)
        )
    speed = [outcome.taken["reading"].said["images_per_second"] for outcome in (large, small)]
    yield Measurement(f"{name}.reading.images_per_second", speed[0], "images/s", speed[1])
    yield ratio(f"{name}.reading.flat", speed[0] / speed[1], Target(">=", FLAT))
    grown = sum(one.cpu_seconds for one in large.taken.values()) / sum(
        one.cpu_seconds for one in small.taken.values()
    )
    yield ratio(f"{name}.growth", grown, Target("<=", GROWTH_SLACK * large.share / small.share))


def _largest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Of each shape."""
    by_share = sorted(outcomes, key=lambda outcome: outcome.share)
    return list({outcome.shape.kind: outcome for outcome in by_share}.values())


def _smallest_of(outcomes: Sequence[Outcome], shape: Shape) -> Outcome:
    return min((one for one in outcomes if one.shape == shape), key=lambda outcome: outcome.share)


def _share(outcome: Outcome) -> str:
    return "the whole" if outcome.share == 1 else f"{outcome.share:g} of the whole"


def _as_json(outcome: Outcome) -> dict[str, Any]:
    taken = {stage: asdict(one) for stage, one in outcome.taken.items()}
    return {"shape": outcome.shape.kind, "share": outcome.share, "stages": taken}
