"""A few photos of coloured squares, prepared, with a tiny random teacher, for renorm, mine and embed."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from support.digests import digests_of

from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable
from ezsd.pipeline.data.prepared import write_prepared
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split

SPLIT = Split("colours", base=("red", "green", "blue"), novel=("yellow", "violet"))
PAINT = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200), "yellow": (200, 200, 40)}
SIDE = 64

# for each photo: name -> box (x0, y0, x1, y1); names of novel things are painted, but never indexed
SCENES: Sequence[dict[str, tuple[int, int, int, int]]] = (
    {"red": (4, 4, 30, 30), "yellow": (36, 36, 60, 60)},
    {"green": (10, 20, 50, 60)},
    {},
    {"blue": (0, 0, 20, 40), "red": (30, 10, 60, 30)},
    {"yellow": (8, 8, 56, 56)},
)
CROWDED = 4
"""This photo has a crowd region of a base name, and no other base box."""

TINY_TEACHER = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}

OVERRIDES = (
    "data.format=coco",
    "data.split=colours",
    "data.world=null",
    "data.train_photos=photos",
    "data.train_annotations=never-read.json",
    "data.val_photos=photos",
    "data.val_annotations=never-read.json",
    "teacher.model=tiny.json",
    "teacher.weights=random",
    "teacher.seed=3",
    "renorm.epochs=2",
    "renorm.photos_per_step=2",
    "renorm.check=null",
    "mine.method=exhaustive",
    "mine.long_side=64",
    "mine.short_side=64",
    "mine.stride=16",
    "mine.scales=[1, 2]",
    "mine.ratios=[1.0]",
    "mine.nms_iou=0.7",
    "mine.post_nms_top_n=200",
    "mine.base_iou=0.3",
    "mine.keep=6",
    "mine.photos_per_shard=2",
    "run.workers=1",
    "run.device=cpu",
)


def prepare_colours(root: Path) -> None:
    """Writes photos, the teacher's config, and what `prepare` would have left in `root`."""
    (root / "photos").mkdir(parents=True)
    (root / "tiny.json").write_text(json.dumps(TINY_TEACHER))
    for number, scene in enumerate(SCENES):
        _paint(number, scene).save(root / "photos" / f"{number}.png")
    index = DatasetIndex(_photo_table(root), _box_table())
    empty = DatasetIndex(index.photos, BoxTable.empty(len(SCENES)))
    write_prepared(root / "artifacts/prepare", SPLIT, index, empty, ())


def colour_params(overrides: Sequence[str] = ()) -> Params:
    """Params for `prepare_colours`."""
    return parse_params(preset_text("demo"), [*OVERRIDES, *overrides])


def context_of(stage: str, root: Path, overrides: Sequence[str] = ()) -> StageContext:
    """A context with the stage's own folder made."""
    folder = root / "artifacts" / stage
    folder.mkdir(parents=True, exist_ok=True)
    return StageContext(colour_params(overrides), root, folder)


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Relative path -> content of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _paint(number: int, scene: dict[str, tuple[int, int, int, int]]) -> Image.Image:
    noise = np.random.default_rng(number).integers(90, 130, (SIDE, SIDE, 3))
    for name, (x0, y0, x1, y1) in scene.items():
        noise[y0:y1, x0:x1] = PAINT[name]
    return Image.fromarray(noise.astype(np.uint8))


def _photo_table(root: Path) -> PhotoTable:
    names = [f"{number}.png" for number in range(len(SCENES))]
    return PhotoTable(
        image_ids=np.arange(len(SCENES), dtype=np.int64) * 10 + 7,
        file_names=names,
        sizes_wh=np.full((len(SCENES), 2), SIDE, np.int32),
        digests=digests_of(root / "photos" / name for name in names),
    )


def _box_table() -> BoxTable:
    """Boxes of base names, and one crowd region."""
    boxes = [
        [(box, SPLIT.base.index(name), False) for name, box in scene.items() if name in SPLIT.base]
        for scene in SCENES
    ]
    boxes[CROWDED].append(((0, 0, 12, 12), 1, True))
    rows = [row for photo in boxes for row in photo]
    boxes_xyxy = np.array([box for box, _, _ in rows], np.float32)
    return BoxTable(
        offsets=np.cumsum([0, *map(len, boxes)]).astype(np.int64),
        boxes_xyxy=boxes_xyxy,
        labels=np.array([label for _, label, _ in rows], np.int32),
        annotation_ids=np.arange(len(rows), dtype=np.int64) + 1,
        areas=((boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])).astype(
            np.float32
        ),
        crowd=np.array([crowd for _, _, crowd in rows], bool),
    )
