"""Ground truth and detections in COCO's own form, so that pycocotools can read and score them by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ezsd.boxes import xyxy_to_xywh
from ezsd.errors import InputError
from ezsd.split import Split

Record = dict[str, Any]


def select_names(annotations: Mapping[str, Any], split: Split) -> Record:
    """Reduces a COCO annotation dict to what is scored: boxes of the split's names.

    Photos all stay; categories come in the order of `split.names`; other categories' boxes, polygons and
    further keys go. Missing `iscrowd` means 0 and missing `area` the box's. Annotations are numbered anew from
    1, in the order of their ids: pycocotools reads the id 0 as "not matched".

    Raises:
        InputError: a name of the split is no category of the annotations.
    """
    ids = category_ids(annotations, split)
    wanted = set(ids)
    boxes = [box for box in annotations["annotations"] if box["category_id"] in wanted]
    boxes.sort(key=lambda box: box["id"])
    return {
        "images": [_photo(photo) for photo in sorted(annotations["images"], key=lambda photo: photo["id"])],
        "annotations": [_box(number, box) for number, box in enumerate(boxes, start=1)],
        "categories": [{"id": id_, "name": name} for id_, name in zip(ids, split.names, strict=True)],
    }


def category_ids(annotations: Mapping[str, Any], split: Split) -> list[int]:
    """The data set's own category id of each of `split.names`, in that order."""
    known = {category["name"]: int(category["id"]) for category in annotations["categories"]}
    missing = [name for name in split.names if name not in known]
    if missing:
        raise InputError(
            f"split {split.name!r} names {missing[0]!r}, which is no category of the annotations; "
            "correct the split or the annotation file"
        )
    return [known[name] for name in split.names]


def keep_photos(ground_truth: Record, image_ids: Sequence[int]) -> Record:
    """The same ground truth, of the given photos alone."""
    wanted = set(image_ids)
    return {
        **ground_truth,
        "images": [photo for photo in ground_truth["images"] if photo["id"] in wanted],
        "annotations": [box for box in ground_truth["annotations"] if box["image_id"] in wanted],
    }


def ids_with_boxes(ground_truth: Mapping[str, Any]) -> list[int]:
    """Ids of the photos that hold at least one box, crowd regions included, in ascending order."""
    return sorted({box["image_id"] for box in ground_truth["annotations"]})


def as_results(
    image_id: int, boxes_xyxy: Tensor, scores: Tensor, labels: Tensor, ids: Sequence[int]
) -> list[Record]:
    """COCO results of one photo: `{image_id, category_id, bbox: [x, y, w, h], score}` each.

    Args:
        image_id: the data set's own id.
        boxes_xyxy: (N, 4) pixels of the original photo; rounded to 1/100 pixel.
        scores: (N,) in 0..1, kept with the digits of a float32.
        labels: (N,) index into `ids`.
        ids: the data set's category id of each label.
    """
    rows = xyxy_to_xywh(boxes_xyxy.double().cpu()).numpy().round(2).tolist()
    # str() of a numpy float32 is the shortest text that reads back as the same float32
    digits = [float(str(score)) for score in scores.float().cpu().numpy()]
    return [
        {"image_id": int(image_id), "category_id": int(ids[label]), "bbox": row, "score": score}
        for row, score, label in zip(rows, digits, labels.tolist(), strict=True)
    ]


def _photo(photo: Mapping[str, Any]) -> Record:
    return {key: photo[key] for key in ("id", "file_name", "width", "height")}


def _box(number: int, box: Mapping[str, Any]) -> Record:
    bbox = [float(side) for side in box["bbox"]]
    return {
        "id": number,
        "image_id": box["image_id"],
        "category_id": box["category_id"],
        "bbox": bbox,
        "area": float(box.get("area", bbox[2] * bbox[3])),
        "iscrowd": int(box.get("iscrowd", 0)),
    }
