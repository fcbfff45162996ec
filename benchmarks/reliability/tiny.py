"""The smallest run of the whole pipeline: a few drawn scenes, and random networks of a few channels."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import open_clip

from benchmarks.runs import write_params
from ezsd.cache.atomic import write_bytes_atomic
from ezsd.pipeline.params import Params, parse_params, plain_values, preset_text

TEACHER = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}

OVERRIDES = (
    "data.world={train: 2, val: 1, seed: 3}",
    "teacher.model=tiny.json",
    "teacher.weights=random",
    "prepare.photos_per_shard=1",
    "prepare.masks=true",
    "renorm.epochs=2",
    "renorm.check=null",
    "mine.long_side=64",
    "mine.short_side=64",
    "mine.scales=[1, 2]",
    "mine.keep=4",
    "mine.photos_per_shard=1",
    "mine.rpn.short_side=64",
    "mine.rpn.long_side=72",
    "mine.rpn.pyramid_channels=8",
    "mine.rpn.schedule.images_per_step=2",
    "train.detector.short_side=64",
    "train.detector.long_side=72",
    "train.detector.pyramid_channels=8",
    "train.detector.normalization=none",
    "train.detector.start=identity",
    "train.detector.rpn.post_nms_top_n=8",
    "train.detector.box_head.channels=8",
    "train.detector.box_head.width=8",
    "train.detector.box_head.rois_per_image=8",
    "train.examples.short_sides=[64]",
    "train.examples.proposals_per_image=4",
    "train.schedule.epochs=2",
    "train.checkpoint_seconds=1.0e-6",
    "evaluate.ensemble={base: 0.33, novel: 0.67}",
    "evaluate.detections_per_image=8",
    "report.training_photos=1",
    "report.validation_photos=1",
    "run.workers=1",
    "run.device=cpu",
    "run.allow=[lost-accuracy, lost-names, no-proposals, one-name]",
)


def tiny_params(overrides: Sequence[str] = ()) -> Params:
    """The params of the tiny run."""
    return parse_params(preset_text("demo"), [*OVERRIDES, *overrides])


def read_vocabulary_once() -> None:
    """Let all teachers of this process share the tokenizer, whose vocabulary takes long to read."""
    open_clip.SimpleTokenizer = cache(open_clip.SimpleTokenizer)


def start_tiny(root: Path, overrides: Sequence[str] = ()) -> Params:
    """Write the inputs of a tiny run into `root`: its params and the teacher's config."""
    params = tiny_params(overrides)
    write_params(root, plain_values(params))
    write_bytes_atomic(root / "tiny.json", json.dumps(TEACHER).encode())
    return params
