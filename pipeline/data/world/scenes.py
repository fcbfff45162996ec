"""The detection domain: several things among clutter, photographed in bad weather."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from ezsd.pipeline.data.world.canvas import Canvas, Placed, box_of, photograph
from ezsd.pipeline.data.world.names import generator, is_mounted
from ezsd.pipeline.data.world.objects import EVERYDAY, Patch, Pose, Vocabulary, draw_clutter
from ezsd.pipeline.data.world.surfaces import rgb

SCENE_SIZES_WH = ((256, 256), (288, 224), (224, 288))
OBJECT_SIZES = (26.0, 132.0)

_EMPTY_SHARE = 0.03
_CROWD_SHARE = 0.08
_APART_SHARE = 0.5
_INSIDE = 0.36
_UPON_SHARE = 0.15
_MOUNTED = (1.5, 165.0)
_TRIES = 12


@dataclass(frozen=True)
class SceneObject:
    """An annotation of a scene.

    Attributes:
        category: a name of the vocabulary.
        box_xyxy: tight around the visible pixels, in pixels.
        area: number of visible pixels.
        rle: COCO run lengths of the visible pixels, `{"size": [H, W], "counts": ascii}`.
        crowd: whether the region holds many small things of the category.
    """

    category: str
    box_xyxy: tuple[float, float, float, float]
    area: int
    rle: dict[str, object]
    crowd: bool


@dataclass(frozen=True)
class Scene:
    """A photo, (H, W, 3) uint8 RGB, and its annotations."""

    image: np.ndarray
    objects: tuple[SceneObject, ...]


def draw_scene(seed: int, split: str, index: int, vocabulary: Vocabulary = EVERYDAY) -> Scene:
    """Draw scene `index` of a split; any scene can be drawn alone.

    Args:
        seed: the world's seed.
        split: one of `names.SPLITS`.
        index: any number from 0.
        vocabulary: names and things.
    """
    rng = generator(seed, "scene", split, index)
    size_wh = SCENE_SIZES_WH[rng.integers(len(SCENE_SIZES_WH))]
    canvas = Canvas(_background(size_wh, rng))
    kind = rng.random()
    for _ in range(rng.integers(2, 6)):
        _place_clutter(canvas, rng, (18.0, 90.0))
    if kind >= _EMPTY_SHARE:
        if kind < _EMPTY_SHARE + _CROWD_SHARE:
            _place_crowd(canvas, vocabulary, rng)
        _place_objects(canvas, vocabulary, rng)
        for _ in range(rng.integers(0, 3)):
            _place_clutter(canvas, rng, (18.0, 44.0))
    image = photograph(canvas.rgb, rng)
    return Scene(image, tuple(_annotated(thing) for thing in canvas.things))


def _annotated(thing: Placed) -> SceneObject:
    run_lengths = coco_mask.encode(np.asfortranarray(thing.visible, dtype=np.uint8))
    rle = {"size": list(run_lengths["size"]), "counts": run_lengths["counts"].decode("ascii")}
    return SceneObject(thing.name, box_of(thing.visible), int(thing.visible.sum()), rle, thing.crowd)


def _background(size_wh: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw two muted colours that blend in large soft patches, (H, W, 3) float32 in 0..1."""
    coarse = rng.random((int(rng.integers(3, 7)), int(rng.integers(3, 7)))) * 255
    patches = Image.fromarray(coarse.astype(np.uint8)).resize(size_wh, Image.Resampling.BICUBIC)
    share = np.asarray(patches, dtype=np.float32)[..., None] / 255
    hue = rng.random()
    first = rgb(hue, rng.uniform(0.15, 0.5), rng.uniform(0.45, 0.95))
    second = rgb(hue + rng.uniform(-0.2, 0.2), rng.uniform(0.15, 0.5), rng.uniform(0.45, 0.95))
    return first * share + second * (1 - share)


def _size(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _pose(rng: np.random.Generator, size: float) -> Pose:
    return Pose(
        size=size,
        angle=float(rng.normal(0, 12)),
        stretch=float(np.exp(rng.uniform(-0.2, 0.2))),
        mirrored=bool(rng.random() < 0.5),
    )


def _find_place(
    canvas: Canvas, patch: Patch, rng: np.random.Generator
) -> tuple[tuple[float, float], np.ndarray] | None:
    """Find a centre where the patch leaves all things visible, and its footprint there; None without one.

    Half of the patches first look for a place that overlaps no thing; others first for one upon a thing, as a
    tie is on a person.
    """
    low, high = _centre_range(canvas, patch)
    manner = rng.random()
    for attempt in range(_TRIES):
        is_early = attempt < _TRIES / 2
        centre_xy = (rng.uniform(low[0], high[0]), rng.uniform(low[1], high[1]))
        if is_early and manner > 1 - _UPON_SHARE and canvas.things:
            x0, y0, x1, y1 = box_of(canvas.things[rng.integers(len(canvas.things))].visible)
            centre_xy = (x0 + rng.uniform(0.3, 0.7) * (x1 - x0), y0 + rng.uniform(0.3, 0.7) * (y1 - y0))
        footprint = canvas.footprint(patch.mask, centre_xy)
        if is_early and manner < _APART_SHARE and canvas.covers_a_thing(footprint):
            continue
        if canvas.accepts(patch, footprint):
            return centre_xy, footprint
    return None


def _centre_range(canvas: Canvas, patch: Patch) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest centre (x, y) at which the patch stays almost within the frame."""
    size = np.array(canvas.size_wh, dtype=float)
    margin = np.minimum(_INSIDE * len(patch.alpha), size / 2)
    return margin, size - margin


def _place_clutter(canvas: Canvas, rng: np.random.Generator, sizes: tuple[float, float]) -> None:
    pose = Pose(_size(rng, *sizes), rng.uniform(0, 360))
    patch = draw_clutter(pose, rng)
    place = _find_place(canvas, patch, rng)
    if place is not None:
        canvas.lay(patch, place[0])


def _place_objects(canvas: Canvas, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
    """Lay 2-6 things, large ones first so that small ones stay visible."""
    count = int(rng.integers(2, 7))
    sizes = sorted((_size(rng, *OBJECT_SIZES) for _ in range(count)), reverse=True)
    for size in sizes:
        name = vocabulary.pick(rng)
        if is_mounted(name):
            size = min(size * _MOUNTED[0], _MOUNTED[1])
        patch = vocabulary.draw(name, _pose(rng, size), rng)
        place = _find_place(canvas, patch, rng)
        if place is not None:
            canvas.lay_thing(name, patch, place[0])


def _place_crowd(canvas: Canvas, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
    """Lay a cluster of 9-16 tiny things of one category as one region."""
    name = vocabulary.pick(rng)
    width, height = canvas.size_wh
    middle = np.array([rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.75) * height])
    region = np.zeros((height, width), dtype=bool)
    for _ in range(rng.integers(9, 17)):
        patch = vocabulary.draw(name, _pose(rng, rng.uniform(15, 21)), rng)
        x, y = middle + rng.normal(0, 20, 2)
        region |= canvas.lay(patch, (float(x), float(y)))
    canvas.name_thing(name, region, int(region.sum()), crowd=True)
