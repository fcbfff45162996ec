"""Full annotations of any format in COCO's own form, which pycocotools scores."""

from collections.abc import Mapping
from typing import Any

from ezsd.masks import as_rle
from ezsd.split import Split
from pipeline.data.sources import FullAnnotations


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

    Boxes are the checked and clipped ones, as [x, y, width, height] in pixels, crowd regions included; ids
    are the file's own. Images are ordered by id, annotations by image and id, categories as `split.names`.
    """
    return {
        "images": _images(full),
        "annotations": _annotations(full, split),
        "categories": [
            {"id": full.category_ids[name], "name": name} for name in split.names if name in full.category_ids
        ],
    }


def _images(full: FullAnnotations) -> list[dict[str, Any]]:
    rows = zip(full.photos.ids.tolist(), full.photos.file_names, full.photos.sizes_wh.tolist(), strict=True)
    return [
        {"id": image_id, "file_name": name, "width": width, "height": height}
        for image_id, name, (width, height) in sorted(rows)
    ]


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
            "category_id": full.category_ids[split.names[label]],
            "bbox": [x0, y0, x1 - x0, y1 - y0],
            "area": area,
            "iscrowd": int(crowd),
        }
        for image_id, annotation_id, label, (x0, y0, x1, y1), area, crowd in sorted(rows)
    ]
