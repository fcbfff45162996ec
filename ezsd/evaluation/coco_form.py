"""Ground truth and detections in COCO's own form, so that pycocotools can read and score them by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ezsd.boxes import xyxy_to_xywh

Record = dict[str, Any]


@dataclass(frozen=True)
class PhotoRows:
    """N photos: `image_ids` int64 (N,), N `file_names`, `sizes_wh` int (N, 2) in pixels."""

    image_ids: np.ndarray
    file_names: Sequence[str]
    sizes_wh: np.ndarray


@dataclass(frozen=True)
class BoxRows:
    """M annotated boxes of photos that are named by id.

    image_ids: int64 (M,). labels: int (M,), index into the names. boxes_xyxy: float64 (M, 4), pixels.
    areas: float64 (M,), square pixels as annotated. crowd: bool (M,), regions that scoring ignores.
    """

    image_ids: np.ndarray
    labels: np.ndarray
    boxes_xyxy: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray


def as_ground_truth(photos: PhotoRows, boxes: BoxRows, names: Sequence[str], ids: Sequence[int]) -> Record:
    """The COCO annotation dict of the given photos: what there is to find, of the given names alone.

    Boxes of photos that are not given are left out. Categories come in the order of `names`. Annotations are
    numbered from 1, in the order of the rows: pycocotools reads an id of 0 as "not matched".

    Args:
        names: C names that labels index. ids: the data set's own category id of each.
    """
    rows = np.flatnonzero(np.isin(boxes.image_ids, photos.image_ids))
    corners, sides = boxes.boxes_xyxy[:, :2], boxes.boxes_xyxy[:, 2:] - boxes.boxes_xyxy[:, :2]
    boxes_xywh = np.concatenate([corners, sides], axis=1)
    return {
        "images": [
            {"id": int(id_), "file_name": name, "width": int(width), "height": int(height)}
            for id_, name, (width, height) in zip(
                photos.image_ids, photos.file_names, photos.sizes_wh, strict=True
            )
        ],
        "annotations": [
            {
                "id": number,
                "image_id": int(boxes.image_ids[row]),
                "category_id": int(ids[boxes.labels[row]]),
                "bbox": boxes_xywh[row].tolist(),
                "area": float(boxes.areas[row]),
                "iscrowd": int(boxes.crowd[row]),
            }
            for number, row in enumerate(rows, start=1)
        ],
        "categories": [{"id": int(id_), "name": name} for id_, name in zip(ids, names, strict=True)],
    }


def keep_photos_with_boxes(ground_truth: Mapping[str, Any]) -> Record:
    """The same ground truth without the photos that hold no box; a crowd region is a box."""
    wanted = {box["image_id"] for box in ground_truth["annotations"]}
    return {
        **ground_truth,
        "images": [photo for photo in ground_truth["images"] if photo["id"] in wanted],
    }


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
