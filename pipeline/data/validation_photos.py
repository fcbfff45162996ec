"""The one reader of validation photos and their ground truth in COCO's form. For `evaluate` alone.

The ground truth includes novel boxes; pycocotools scores against it, whatever the format of the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import xywh_to_xyxy
from ezsd.cache.index import PhotoTable
from ezsd.evaluation.coco_form import Record, ids_with_boxes, restrict_to_photos
from ezsd.masks import as_rle
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.segmentations import masks_of
from ezsd.pipeline.data.sources import DataSources, PhotoFolder, Which
from ezsd.pipeline.data.tables import Category, Searched
from ezsd.pipeline.data.views import FullAnnotations, read_full_annotations
from ezsd.split import Split


@dataclass(frozen=True)
class ValidationPhotos:
    """Photos and ground truth, by row of the annotations' images.

    Attributes:
        images: `{id, file_name, width, height}` of each photo.
        objects: boxes, `(N, 4)` float32 xyxy in pixels, and labels, `(N,)` int64, of each photo; no crowd
            regions.
        category_ids: the data set's own id of each label.
        digests: `(N, 16)` uint8, of the bytes of the photos that `prepare` checked.
        folder: reads the files.
    """

    images: Sequence[Record]
    objects: Sequence[tuple[np.ndarray, np.ndarray]]
    category_ids: Sequence[int]
    digests: np.ndarray
    folder: PhotoFolder

    def __len__(self) -> int:
        return len(self.images)

    def image_id(self, row: int) -> int:
        """Return the data set's own id."""
        return int(self.images[row]["id"])

    def size_hw(self, row: int) -> tuple[int, int]:
        """Return height and width in pixels."""
        return self.images[row]["height"], self.images[row]["width"]

    def photo(self, row: int) -> Tensor:
        """Return uint8 RGB `(3, H, W)`; raises PhotoFileError if the file is not as `prepare` found it."""
        height, width = self.size_hw(row)
        name, digest = self.images[row]["file_name"], self.digests[row].tobytes()
        return self.folder.decode_unchanged(name, (width, height), digest)

    def objects_xyxy(self, row: int) -> Tensor:
        """Return the boxes, `(N, 4)` float32, in pixels of the photo."""
        return torch.from_numpy(self.objects[row][0])

    def labels(self) -> np.ndarray:
        """Return the labels of all photos, one after the other, int64."""
        return np.concatenate([np.zeros(0, np.int64), *(labels for _, labels in self.objects)])


def list_validation_photos(
    ground_truth: Record, checked: PhotoTable, folder: PhotoFolder
) -> ValidationPhotos:
    """Return the photos of COCO annotations with their objects; labels follow the order of the categories.

    `checked` has all of them, in its own order.
    """
    category_ids = [category["id"] for category in ground_truth["categories"]]
    label_of = {id_: label for label, id_ in enumerate(category_ids)}
    found: dict[int, list[Record]] = {image["id"]: [] for image in ground_truth["images"]}
    for box in ground_truth["annotations"]:
        if not box["iscrowd"]:
            found[box["image_id"]].append(box)
    objects = [
        (
            xywh_to_xyxy(torch.tensor([box["bbox"] for box in boxes]).reshape(-1, 4)).numpy(),
            np.array([label_of[box["category_id"]] for box in boxes], dtype=np.int64),
        )
        for boxes in found.values()
    ]
    rows = np.searchsorted(checked.image_ids, list(found))
    return ValidationPhotos(ground_truth["images"], objects, category_ids, checked.digests[rows], folder)


def read_boxes(sources: DataSources, which: Which, split: Split) -> Record:
    """Read all annotations of the split's names, novel ones included, in COCO's form."""
    return as_coco(read_full_annotations(sources, which, split), split)


def read_masks(sources: DataSources, which: Which, split: Split) -> Record:
    """Read the same with masks."""
    full = read_full_annotations(sources, which, split)
    masks = masks_of(sources.of(which), full.clean.boxes, full.photos, split.names)
    return with_masks(as_coco(full, split), masks)


def restrict_to_prepared(annotations: Record, prepared: Prepared, photos: str) -> Record:
    """Restrict annotations to the checked validation photos: to `all` of them, or to those `with_boxes`."""
    checked = restrict_to_photos(annotations, prepared.val.photos.image_ids.tolist())
    return checked if photos == "all" else restrict_to_photos(checked, ids_with_boxes(checked))


def with_masks(coco: dict[str, Any], masks: Mapping[int, bytes]) -> dict[str, Any]:
    """Add `segmentation` to annotations; `masks` holds compressed run lengths by annotation id."""
    size_hw = {image["id"]: (image["height"], image["width"]) for image in coco["images"]}
    annotations = [
        {**one, "segmentation": as_rle(masks[one["id"]], size_hw[one["image_id"]])}
        for one in coco["annotations"]
    ]
    return {**coco, "annotations": annotations}


def as_coco(full: FullAnnotations, split: Split) -> dict[str, Any]:
    """Return `{images, annotations, categories}` of the split's names.

    Boxes are checked and clipped, as [x, y, width, height] in pixels, crowd regions included; ids are the
    file's own. Images are sorted by id, annotations by image and id, categories as in `split.names`. LVIS's
    keys are kept: `frequency` of categories, `neg_category_ids` and `not_exhaustive_category_ids` of images.
    """
    return {
        "images": _images(full),
        "annotations": _annotations(full, split),
        "categories": [_category(full.categories[name]) for name in split.names],
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
