"""Scenes as a COCO data set: images, annotations and the 65 categories."""

from collections.abc import Iterable, Sequence
from typing import Any

from ezsd.pipeline.data.world.names import CATEGORY_IDS, parts_of
from ezsd.pipeline.data.world.scenes import Scene, SceneObject
from ezsd.pipeline.data.world.seeds import SPLITS

_IMAGES_A_SPLIT = 1_000_000
_ANNOTATIONS_AN_IMAGE = 100


def image_id(split: str, index: int) -> int:
    """The id of scene `index` of a split; ids of different splits never meet, and some end in zeros."""
    return SPLITS[split] * _IMAGES_A_SPLIT + index + 1


def file_name(split: str, index: int) -> str:
    """The photo's name: its id, zero-padded as in COCO."""
    return f"{image_id(split, index):012d}.jpg"


def image_record(split: str, index: int, scene: Scene) -> dict[str, Any]:
    """The entry of one scene under `images`."""
    size = image_size_record(split, index, scene)
    return {"id": size.pop("id"), "file_name": file_name(split, index), **size}


def image_size_record(split: str, index: int, scene: Scene) -> dict[str, Any]:
    """Id, width and height of one scene."""
    height, width = scene.image.shape[:2]
    return {"id": image_id(split, index), "width": width, "height": height}


def annotation_records(split: str, index: int, scene: Scene) -> list[dict[str, Any]]:
    """The entries of one scene's objects under `annotations`; boxes are x, y, width, height in pixels."""
    return [
        annotation_record(split, index, position, thing, CATEGORY_IDS[thing.category])
        for position, thing in enumerate(scene.objects)
    ]


def coco_records(
    seed: int, split: str, index: int, scene: Scene
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Both of one scene; everything is annotated, so the seed plays no part."""
    return image_record(split, index, scene), annotation_records(split, index, scene)


def coco_annotations(split: str, scenes: Iterable[tuple[int, Scene]]) -> dict[str, Any]:
    """A whole COCO annotation file.

    Args:
        split: one of `ezsd.pipeline.data.world.seeds.SPLITS`.
        scenes: pairs of index and scene.

    Returns:
        A dict that `json.dump` takes and pycocotools reads.
    """
    images, annotations = [], []
    for index, scene in scenes:
        images.append(image_record(split, index, scene))
        annotations.extend(annotation_records(split, index, scene))
    return coco_file(images, annotations)


def coco_file(images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """Join records that were made apart, for instance by several processes, into one annotation file."""
    return annotation_file(images, annotations, coco_categories(annotations))


def coco_categories(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The 65 categories, whatever is annotated."""
    return [
        {"id": number, "name": name, "supercategory": parts_of(name)[1]}
        for name, number in CATEGORY_IDS.items()
    ]


def annotation_file(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], categories: list[dict[str, Any]]
) -> dict[str, Any]:
    """An annotation file of the world."""
    return {
        "info": {"description": "The embedded world of ezsd: drawn scenes, no photo"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def annotation_record(
    split: str, index: int, position: int, thing: SceneObject, category_id: int
) -> dict[str, Any]:
    """The entry of one thing, the scene's object at `position`; its box is x, y, width, height in pixels."""
    x0, y0, x1, y1 = thing.box_xyxy
    return {
        "id": image_id(split, index) * _ANNOTATIONS_AN_IMAGE + position,
        "image_id": image_id(split, index),
        "category_id": category_id,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": thing.area,
        "segmentation": thing.rle,
        "iscrowd": int(thing.crowd),
    }
