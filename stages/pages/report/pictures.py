"""The photos on the report page: which are shown, and what is drawn on them."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from ezsd.boxes import xywh_to_xyxy
from ezsd.cache.artifacts import Mined
from ezsd.evaluation.coco_form import Record, drawn_masks, grouped
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import PhotoFileError, PhotoFolder
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.split import Split
from ezsd.stages.pages.drawing import caption, draw_objects, tint_masks
from ezsd.stages.pages.links import BrowserLinks
from ezsd.stages.pages.mined import draw_photo_proposals, read_photo_proposals

LONG_SIDE = 480
PROPOSALS_SHOWN = 10
_QUALITY = 82


@dataclass(frozen=True)
class Picture:
    """A drawing for a page.

    Attributes:
        source: data URI; empty if the photo cannot be read.
        width: in pixels.
        height: in pixels.
        alt: describes it in words; says why the photo cannot be read.
        link: address of what it leads to, if anything.
    """

    source: str
    width: int
    height: int
    alt: str
    link: str | None = None


@dataclass(frozen=True)
class Pair:
    """One validation photo with its annotations, and again with the detections.

    Attributes:
        title: of the photo.
        lines: of its caption.
        truth: the annotations.
        found: the detections.
    """

    title: str
    lines: Sequence[str]
    truth: Picture
    found: Picture


def as_picture(drawing: Image.Image, alt: str) -> Picture:
    """Encode a drawing as WebP in a data URI; the same pixels give the same text."""
    buffer = io.BytesIO()
    drawing.save(buffer, format="WEBP", quality=_QUALITY, method=4)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/webp;base64,{data}", drawing.width, drawing.height, alt)


def unreadable(error: PhotoFileError, size_wh: tuple[int, int], alt: str) -> Picture:
    """What a page shows in place of a photo that cannot be read."""
    return Picture("", *size_wh, f"{alt}: {error.reason}")


def evenly_spaced(choices: Sequence[Any], wanted: int) -> list[Any]:
    """At most `wanted` of the choices, evenly spaced, from the first on."""
    count = min(wanted, len(choices))
    return [choices[place * len(choices) // count] for place in range(count)]


def proposal_pictures(
    prepared: Prepared, mined: Mined, folder: PhotoFolder, links: BrowserLinks, wanted: int
) -> list[Picture]:
    """Draw training photos with their best proposals, evenly spaced among photos that have proposals."""
    store = mined.store
    counts = np.concatenate([store.read_shard(shard, ["count"])["count"] for shard in range(store.shards)])
    return [
        replace(
            _proposal_picture(prepared, mined, folder, row),
            link=links.photo(int(prepared.train.photos.image_ids[row])),
        )
        for row in evenly_spaced(np.flatnonzero(counts).tolist(), wanted)
    ]


def detection_pairs(
    evaluated: EvaluationFolder, split: Split, folder: PhotoFolder, wanted: int
) -> list[Pair]:
    """Draw validation photos, evenly spaced among those with novel objects, or among all if none has any."""
    names = {category["id"]: category["name"] for category in evaluated.ground_truth["categories"]}
    truth = grouped((box for box in evaluated.ground_truth["annotations"] if not box["iscrowd"]), "image_id")
    found = grouped(evaluated.detections, "image_id")
    photos = [photo for photo in evaluated.ground_truth["images"] if photo["id"] in truth]
    with_novel = [
        photo
        for photo in photos
        if any(names[box["category_id"]] in split.novel for box in truth[photo["id"]])
    ]
    drawer = _PairDrawer(names, split, folder)
    return [
        drawer.draw(photo, truth[photo["id"]], found.get(photo["id"], []))
        for photo in evenly_spaced(with_novel or photos, wanted)
    ]


class _PairDrawer:
    """Draws each validation photo twice: with its annotations, and with detections."""

    def __init__(self, names: Mapping[int, str], split: Split, folder: PhotoFolder) -> None:
        self._names, self._novel, self._folder = names, frozenset(split.novel), folder

    def draw(self, photo: Record, truth: Sequence[Record], found: Sequence[Record]) -> Pair:
        """Show as many detections, best first, as there are annotated objects."""
        best = sorted(found, key=lambda box: -box["score"])[: len(truth)]
        novel = sorted({name for name in self._names_of(truth) if name in self._novel})
        return Pair(
            title=f"photo {photo['id']}",
            lines=[_count(len(truth), "object"), *(f"★ {name}" for name in novel)],
            truth=self._picture(photo, truth, self._names_of(truth), "annotated"),
            found=self._picture(
                photo,
                best,
                [caption(name, box["score"]) for name, box in zip(self._names_of(best), best, strict=True)],
                "found",
            ),
        )

    def _picture(self, photo: Record, boxes: Sequence[Record], captions: list[str], word: str) -> Picture:
        alt, size_wh = f"photo {photo['id']}, {word}", (photo["width"], photo["height"])
        try:
            pixels = self._folder.decode(photo["file_name"], size_wh)
        except PhotoFileError as error:
            return unreadable(error, size_wh, alt)
        boxes_xyxy = xywh_to_xyxy(torch.tensor([box["bbox"] for box in boxes]).reshape(-1, 4))
        novel = [name in self._novel for name in self._names_of(boxes)]
        tinted = tint_masks(pixels, drawn_masks(boxes, (photo["height"], photo["width"])), novel)
        drawing = draw_objects(tinted, boxes_xyxy, captions, novel, LONG_SIDE)
        return as_picture(drawing, f"{alt}: {', '.join(captions) or 'nothing'}")

    def _names_of(self, boxes: Sequence[Record]) -> list[str]:
        return [self._names[box["category_id"]] for box in boxes]


def _proposal_picture(prepared: Prepared, mined: Mined, folder: PhotoFolder, row: int) -> Picture:
    photos, proposals = prepared.train.photos, read_photo_proposals(mined, row)
    width, height = photos.sizes_wh[row].tolist()
    alt = f"training photo {photos.image_ids[row]}"
    try:
        pixels = folder.decode(photos.file_names[row], (width, height))
    except PhotoFileError as error:
        return unreadable(error, (width, height), alt)
    drawing = draw_photo_proposals(pixels, proposals, PROPOSALS_SHOWN, LONG_SIDE)
    count = _count(len(proposals), "proposal")
    return as_picture(drawing, f"{alt}: {count}, the best is called {proposals.names[0]}")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
