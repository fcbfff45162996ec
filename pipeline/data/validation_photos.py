"""The one reader of validation photos and their true boxes, novel ones included: for `evaluate` alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ezsd.boxes import xywh_to_xyxy
from ezsd.evaluation.coco_form import Record, ids_with_boxes, restrict_to_photos
from ezsd.pipeline.data.coco_form import as_coco, with_masks
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.segmentations import masks_of
from ezsd.pipeline.data.sources import DataSources, Which, read_full_annotations
from ezsd.split import Split


@dataclass(frozen=True)
class ValidationPhotos:
    """Photos in COCO's form, by their place in the annotations.

    Attributes:
        images: `{id, file_name, width, height}` of each photo.
        objects: of each photo the boxes float32 `(N, 4)`, xyxy in pixels, and the labels int64 `(N,)`; crowd
            regions are left out.
        category_ids: the data set's own id of each label.
        folder: reads the files.
    """

    images: Sequence[Record]
    objects: Sequence[tuple[np.ndarray, np.ndarray]]
    category_ids: Sequence[int]
    folder: PhotoFolder

    def __len__(self) -> int:
        return len(self.images)

    def image_id(self, row: int) -> int:
        """The data set's own."""
        return int(self.images[row]["id"])

    def size_hw(self, row: int) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images[row]["height"], self.images[row]["width"]

    def photo(self, row: int) -> Tensor:
        """uint8 RGB `(3, H, W)`. Raises PhotoFileError when the file is missing or corrupt."""
        height, width = self.size_hw(row)
        return self.folder.decode(self.images[row]["file_name"], (width, height))

    def objects_xyxy(self, row: int) -> Tensor:
        """float32 `(N, 4)`, pixels of the photo."""
        return torch.from_numpy(self.objects[row][0])

    def labels(self) -> np.ndarray:
        """int64, of the objects of all photos, photo by photo."""
        return np.concatenate([np.zeros(0, np.int64), *(labels for _, labels in self.objects)])


def list_validation_photos(ground_truth: Record, folder: PhotoFolder) -> ValidationPhotos:
    """The photos of COCO's annotations with their objects; categories are numbered in the file's order."""
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
    return ValidationPhotos(ground_truth["images"], objects, category_ids, folder)


def read_boxes(sources: DataSources, which: Which, split: Split) -> Record:
    """All annotations of the split's names, novel ones included, in COCO's form."""
    return as_coco(read_full_annotations(sources, which, split), split)


def read_masks(sources: DataSources, which: Which, split: Split) -> Record:
    """The same with masks."""
    full = read_full_annotations(sources, which, split)
    masks = masks_of(sources.of(which), full.clean.boxes, full.photos, split.names)
    return with_masks(as_coco(full, split), masks)


def restrict_to_prepared(annotations: Record, prepared: Prepared, photos: str) -> Record:
    """What there is to find in the checked validation photos: in `all` of them, or in those `with_boxes`."""
    checked = restrict_to_photos(annotations, prepared.val.photos.image_ids.tolist())
    return checked if photos == "all" else restrict_to_photos(checked, ids_with_boxes(checked))
