"""One training photo with its proposals or pseudo boxes, as plain values and as a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ezsd.cache.artifacts import Mined
from ezsd.cache.index import PhotoTable
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder, require_artifact
from ezsd.stages.pages.mined import PhotoProposals, draw_photo_proposals, read_photo_proposals
from ezsd.stages.pages.pseudo_boxes import read_photo_pseudo_boxes

LONG_SIDE = 1024


@dataclass(frozen=True)
class PhotoDetails:
    """One training photo and its proposals or pseudo boxes.

    Attributes:
        image_id: from the annotation file.
        file_name: relative to the folder of the training photos.
        width: in pixels.
        height: in pixels.
        proposals: best first.
        kind: what they are, in the plural.
    """

    image_id: int
    file_name: str
    width: int
    height: int
    proposals: PhotoProposals
    kind: str

    def as_json(self) -> dict[str, Any]:
        """Plain values; each proposal has rank, score, name, confidence and box_xyxy in pixels."""
        found = self.proposals
        return {
            "image_id": self.image_id,
            "file_name": self.file_name,
            "width": self.width,
            "height": self.height,
            "proposals": [
                {
                    "rank": place + 1,
                    "score": round(float(found.scores[place]), 4),
                    "name": found.names[place],
                    "confidence": round(float(found.confidence[place]), 4),
                    "box_xyxy": [round(side, 2) for side in found.boxes_xyxy[place].tolist()],
                }
                for place in range(len(found))
            ],
        }


def inspect_image(root: Path, image_id: int) -> PhotoDetails:
    """Read the proposals of a training photo.

    Raises:
        PipelineError: the index has no photo of that id.
        ArtifactError: photos are not prepared or proposals not mined.
    """
    row, photos = _find_photo(root, image_id)
    require_artifact(root, "mine")
    return _photo_details(photos, row, read_photo_proposals(Mined(artifact_folder(root, "mine")), row))


def inspect_pseudo_image(root: Path, image_id: int) -> PhotoDetails:
    """Read the pseudo boxes of a training photo. Raises as `inspect_image`."""
    row, photos = _find_photo(root, image_id)
    require_artifact(root, "pseudo")
    return _photo_details(photos, row, read_photo_pseudo_boxes(root, row), "pseudo boxes")


def _find_photo(root: Path, image_id: int) -> tuple[int, PhotoTable]:
    """Row of a training photo, and the table of all."""
    require_artifact(root, "prepare")
    photos = Prepared(artifact_folder(root, "prepare")).train.photos
    found = np.flatnonzero(photos.image_ids == image_id)
    if not len(found):
        known = ", ".join(map(str, photos.image_ids[:3].tolist()))
        raise PipelineError(
            f"no training photo has the id {image_id}: the {len(photos)} ids begin with {known}"
        )
    return int(found[0]), photos


def _photo_details(
    photos: PhotoTable, row: int, found: PhotoProposals, kind: str = "proposals"
) -> PhotoDetails:
    width, height = photos.sizes_wh[row].tolist()
    return PhotoDetails(int(photos.image_ids[row]), photos.file_names[row], width, height, found, kind)


def draw_image_proposals(root: Path, params: Params, photo: PhotoDetails) -> Image.Image:
    """Draw all proposals or pseudo boxes of a photo on it. Raises DataError when the photo cannot be read."""
    sources = resolve_sources(params.data, root, artifact_folder(root, "prepare"))
    pixels = sources.train.folder().decode(photo.file_name, (photo.width, photo.height))
    return draw_photo_proposals(pixels, photo.proposals, len(photo.proposals), LONG_SIDE)
