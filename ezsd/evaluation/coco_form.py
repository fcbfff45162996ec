"""Ground truth and detections in COCO's format, which pycocotools reads and scores."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ezsd.boxes import xyxy_to_xywh
from ezsd.masks import Rle, decode_masks

Record = dict[str, Any]


def restrict_to_photos(annotations: Mapping[str, Any], image_ids: Collection[int]) -> Record:
    """The COCO annotation dict of the given photos only.

    Annotations are renumbered from 1, in their order: pycocotools reads an id of 0 as "not matched".
    """
    wanted = set(image_ids)
    boxes = [box for box in annotations["annotations"] if box["image_id"] in wanted]
    return {
        "images": [photo for photo in annotations["images"] if photo["id"] in wanted],
        "annotations": [{**box, "id": number} for number, box in enumerate(boxes, start=1)],
        "categories": list(annotations["categories"]),
    }


def ids_with_boxes(annotations: Mapping[str, Any]) -> set[int]:
    """Ids of the photos with at least one box; crowd regions count."""
    return {box["image_id"] for box in annotations["annotations"]}


def searched_for(ground_truth: Mapping[str, Any], detections: Iterable[Record]) -> list[Record]:
    """Detections of names that their photo was searched for; photos without a list were searched for all."""
    absent = {photo["id"]: photo.get("neg_category_ids") for photo in ground_truth["images"]}
    present = {(box["image_id"], box["category_id"]) for box in ground_truth["annotations"]}
    return [
        one
        for one in detections
        if (names := absent[one["image_id"]]) is None
        or one["category_id"] in names
        or (one["image_id"], one["category_id"]) in present
    ]


def not_exhaustive(ground_truth: Mapping[str, Any]) -> set[tuple[int, int]]:
    """Pairs of image id and category id of which some objects may have no box."""
    return {
        (photo["id"], category_id)
        for photo in ground_truth["images"]
        for category_id in photo.get("not_exhaustive_category_ids", ())
    }


def grouped(records: Iterable[Record], key: str) -> dict[int, list[Record]]:
    """Annotations or results by `image_id` or `category_id`; each group keeps their order."""
    groups: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        groups[record[key]].append(record)
    return groups


def with_masks(results: Sequence[Record], masks: Sequence[Rle]) -> list[Record]:
    """COCO results with their masks as `segmentation`."""
    return [{**result, "segmentation": mask} for result, mask in zip(results, masks, strict=True)]


def drawn_masks(records: Sequence[Record], size_hw: tuple[int, int]) -> Tensor:
    """Masks of those COCO results or annotations of one photo that have one: uint8 `(M, H, W)`, 0 or 1."""
    counts = [one["segmentation"]["counts"].encode() for one in records if "segmentation" in one]
    return decode_masks(counts, size_hw)


def as_results(
    image_id: int, boxes_xyxy: Tensor, scores: Tensor, labels: Tensor, ids: Sequence[int]
) -> list[Record]:
    """COCO results of one photo: `{image_id, category_id, bbox: [x, y, w, h], score}` each.

    Args:
        image_id: the data set's id of the photo.
        boxes_xyxy: `(N, 4)` pixels of the original photo; rounded to 1/100 pixel.
        scores: `(N,)` in [0, 1]; rounded to the digits of a float32.
        labels: `(N,)`, index into `ids`.
        ids: the data set's category id of each label.
    """
    rows = xyxy_to_xywh(boxes_xyxy.double().cpu()).numpy().round(2).tolist()
    return [
        {"image_id": int(image_id), "category_id": int(ids[label]), "bbox": row, "score": score}
        for row, score, label in zip(rows, score_digits(scores), labels.tolist(), strict=True)
    ]


def score_digits(scores: Tensor) -> list[float]:
    """Scores `(N,)` for JSON: the shortest numbers that read back as the same float32."""
    return [float(str(score)) for score in scores.float().cpu().numpy()]


def boxes_with_scores(results: Sequence[Record], scores: Sequence[float]) -> list[Record]:
    """COCO results with other scores and without masks."""
    return [
        {**{key: value for key, value in result.items() if key != "segmentation"}, "score": score}
        for result, score in zip(results, scores, strict=True)
    ]
