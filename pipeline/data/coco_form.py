"""Full annotations of any format in COCO's own form, which pycocotools scores."""

from collections.abc import Mapping
from typing import Any

from ezsd.masks import as_rle
from ezsd.pipeline.data.sources import FullAnnotations
from ezsd.pipeline.data.tables import Category, Searched
from ezsd.split import Split


def with_masks(coco: dict[str, Any], masks: Mapping[int, bytes]) -> dict[str, Any]:
    """The same with `segmentation`; `masks` holds compressed run lengths of every annotation, by its id."""
    size_hw = {image["id"]: (image["height"], image["width"]) for image in coco["images"]}
    annotations = [
        {**one, "segmentation": as_rle(masks[one["id"]], size_hw[one["image_id"]])}
        for one in coco["annotations"]
    ]
    return {**coco, "annotations": annotations}


def as_coco(full: FullAnnotations, split: Split) -> dict[str, Any]:
    """Return `{images, annotations, categories}` of the split's names that the annotations know.

    LVIS's categories keep their `frequency`, its images what they were searched for, under LVIS's keys.
    Boxes are the checked and clipped ones, as [x, y, width, height] in pixels, crowd regions included; ids
    are the file's own. Images are ordered by id, annotations by image and id, categories as `split.names`.
    """
    return {
        "images": _images(full),
        "annotations": _annotations(full, split),
        "categories": [_category(full.categories[name]) for name in split.names if name in full.categories],
    }


def _category(category: Category) -> dict[str, Any]:
    frequency = {"frequency": category.frequency} if category.frequency else {}
    return {"id": category.id, "name": category.name, **frequency}


def _images(full: FullAnnotations) -> list[dict[str, Any]]:
    rows = zip(full.photos.ids.tolist(), full.photos.file_names, full.photos.sizes_wh.tolist(), strict=True)
    return [
        {
            "id": image_id,
            "file_name": name,
            "width": width,
            "height": height,
            **_searched(full.searched.get(image_id)),
        }
        for image_id, name, (width, height) in sorted(rows)
    ]


def _searched(searched: Searched | None) -> dict[str, list[int]]:
    if searched is None:
        return {}
    return {
        "neg_category_ids": list(searched.absent),
        "not_exhaustive_category_ids": list(searched.not_exhaustive),
    }


def _annotations(full: FullAnnotations, split: Split) -> list[dict[str, Any]]:
    boxes = full.clean.boxes
    rows = zip(
        boxes.image_ids.tolist(),
        boxes.annotation_ids.tolist(),
        boxes.labels.tolist(),
        boxes.boxes_xyxy.tolist(),
        boxes.areas.tolist(),
        boxes.crowd.tolist(),
        strict=True,
    )
    return [
        {
            "id": annotation_id,
            "image_id": image_id,
            "category_id": full.categories[split.names[label]].id,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": area,
            "iscrowd": int(crowd),
        }
        for image_id, annotation_id, label, (x0, y0, x1, y1), area, crowd in sorted(rows)
    ]
