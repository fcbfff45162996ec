"""What was found in the data, drawn on the photos themselves."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ezsd.errors import InputError
from ezsd.photos import decode_photo
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.sources import DataSources
from ezsd.pipeline.data_check.findings import Case, DataReport, Findings
from ezsd.pipeline.errors import DataError
from ezsd.stages.pages.drawing import draw_objects
from ezsd.stages.pages.report.content import Picture
from ezsd.stages.pages.report.pictures import as_picture

PICTURES, LINES = 4, 12
"""Of each kind of finding: cases that are drawn, and further ones that are told."""
LONG_SIDE = 384


@dataclass(frozen=True)
class Shown:
    """One kind of finding on the page: some cases with their picture, further ones in words."""

    findings: Findings
    drawn: Sequence[tuple[Case, Picture]]
    told: Sequence[Case]

    @property
    def left(self) -> int:
        """Cases that the page only counts."""
        return len(self.findings.cases) - len(self.drawn) - len(self.told)


def illustrate(report: DataReport, sources: DataSources) -> list[Shown]:
    """Every kind of finding of the report, with pictures of its first cases that a photo shows."""
    novel = {one.name for one in report.names if one.group == "novel"}
    return [_illustrated(found, sources, novel) for found in report.findings]


def _illustrated(found: Findings, sources: DataSources, novel: Collection[str]) -> Shown:
    drawn: list[tuple[Case, Picture]] = []
    for case in found.cases[:PICTURES]:
        photo = _photo_of(case, sources)
        if photo is not None:
            drawn.append((case, _draw(case, photo, novel)))
    pictured = {id(case) for case, _ in drawn}
    told = [case for case in found.cases[: PICTURES + LINES] if id(case) not in pictured][:LINES]
    return Shown(found, drawn, told)


def _photo_of(case: Case, sources: DataSources) -> Tensor | None:
    """The photo in the frame of its annotations, or as it is where that is not to be had."""
    if case.file_name is None:
        return None
    try:
        folder: PhotoFolder = sources.of(case.which).folder()
        data = folder.read(case.file_name)
    except DataError:
        return None
    for declared_wh in (case.size_wh, None):
        try:
            return decode_photo(data, declared_wh)
        except InputError:
            continue
    return None


def _draw(case: Case, photo: Tensor, novel: Collection[str]) -> Picture:
    finite = [place for place, box in enumerate(case.boxes_xyxy) if all(map(math.isfinite, box))]
    boxes_xyxy = torch.tensor([case.boxes_xyxy[place] for place in finite]).reshape(-1, 4)
    captions = [case.captions[place] for place in finite]
    flags = [name in novel for name in captions]
    return as_picture(draw_objects(photo, boxes_xyxy, captions, flags, LONG_SIDE), case.said)
