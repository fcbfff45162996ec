"""Data as scripts: a page that lies on a disk may load scripts, but no JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ezsd.stages.pages.proposal_view import PhotoProposals


@dataclass(frozen=True)
class BrowsedPhoto:
    """A training photo and those of its proposals that are shown."""

    image_id: int
    file_name: str
    width: int
    height: int
    proposals: PhotoProposals


def script(key: str, value: Any) -> bytes:
    """`put("index-0000",{...});` in ASCII, so that no name can end the script or the line."""
    return f"put({_json(key)},{_json(value)});\n".encode("ascii")


def index_entry(photos: Sequence[BrowsedPhoto], labels: Mapping[str, int]) -> dict[str, Any]:
    """Ids, and a list of labels and of scores for each photo. labels: name -> place among all names."""
    return {
        "ids": [photo.image_id for photo in photos],
        "labels": [[labels[name] for name in photo.proposals.names] for photo in photos],
        "scores": [_rounded(photo.proposals.scores, 4) for photo in photos],
    }


def boxes_entry(photos: Sequence[BrowsedPhoto]) -> list[dict[str, Any]]:
    """File, size in pixels, boxes (xyxy, tenths of pixels) and confidence of each photo."""
    return [
        {
            "file": photo.file_name,
            "size": [photo.width, photo.height],
            "boxes": [_rounded(box, 1) for box in photo.proposals.boxes_xyxy],
            "confidence": _rounded(photo.proposals.confidence, 3),
        }
        for photo in photos
    ]


def _rounded(values: Any, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
