"""Findings in annotations: repeated entries, unusable boxes, names that do not fit the split."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ezsd.pipeline.data.checks import TRAINING_MIN_SIDE, CleanBoxes, box_problems, clean_boxes
from ezsd.pipeline.data.sources import Which
from ezsd.pipeline.data.tables import Boxes, Category, Photos
from ezsd.pipeline.data.views import did_you_mean
from ezsd.pipeline.data_check.findings import Box, Case, Findings, NameCounts, SetCounts
from ezsd.split import Split

SMALL, MEDIUM = 32.0**2, 96.0**2
MIN_SIDES: Mapping[Which, float] = {"train": TRAINING_MIN_SIDE, "val": 0.0}
"""Least width and height of a box, in pixels, in training and in evaluation."""


@dataclass(frozen=True)
class AnnotatedSet:
    """One set as its file has it, repeated entries included; labels index `split.names`."""

    which: Which
    split: Split
    categories: Sequence[Category]
    photos: Photos
    boxes: Boxes

    def findings(self) -> Iterator[Findings]:
        """Yield everything that the file alone shows."""
        yield Findings("image id listed twice", self.which, self._repeated_ids())
        yield Findings("file listed twice", self.which, self._repeated_files())
        yield Findings("annotation id listed twice", self.which, self._repeated_annotations())
        yield Findings("box of an image that is not listed", self.which, self._strays())
        yield from self._unusable_boxes()
        yield Findings("several identical boxes of one name", self.which, self._identical_boxes())
        yield Findings("base name that is not in the file", self.which, self._unknown_names())
        yield Findings("base name without a box", self.which, self._names_without_a_box())
        yield Findings("novel name without a box, so without an AP", self.which, self._unscored_names())
        yield Findings("name in the file that is not in the split", self.which, self._other_names())

    def clean(self) -> CleanBoxes:
        """Return the usable boxes."""
        return clean_boxes(self.placed, self.photos, MIN_SIDES[self.which])

    def counts(self) -> SetCounts:
        """Count photos and boxes by kind."""
        clean, base = self.clean(), len(self.split.base)
        areas = clean.boxes.areas[~clean.boxes.crowd]
        return SetCounts(
            photos=len(self.photos),
            empty_photos=int((~np.isin(self.photos.ids, self.boxes.image_ids)).sum()),
            base=int((self.boxes.labels < base).sum()),
            novel=int((self.boxes.labels >= base).sum()),
            crowd=int(self.boxes.crowd.sum()),
            small=int((areas < SMALL).sum()),
            medium=int(((areas >= SMALL) & (areas < MEDIUM)).sum()),
            large=int((areas >= MEDIUM).sum()),
            clipped=clean.clipped,
        )

    def boxes_by_name(self) -> list[int]:
        """Return the number of boxes of each of `split.names`."""
        counted: list[int] = np.bincount(self.boxes.labels, minlength=len(self.split.names)).tolist()
        return counted

    def base(self) -> "AnnotatedSet":
        """Return the set with the base boxes of listed images alone: what training sees."""
        boxes = self.placed
        return replace(self, boxes=boxes.take(boxes.labels < len(self.split.base)))

    @property
    def placed(self) -> Boxes:
        """Boxes whose image is listed."""
        return self.boxes.take(self._is_placed)

    @property
    def _is_placed(self) -> NDArray[np.bool_]:
        return np.isin(self.boxes.image_ids, self.photos.ids)

    def _repeated_ids(self) -> list[Case]:
        return [
            Case(
                f"image id {self.photos.ids[rows[0]]} is listed for {len(rows)} images",
                self.which,
                self._file(rows[0]),
            )
            for rows in _groups(self.photos.ids)
        ]

    def _repeated_files(self) -> list[Case]:
        return [
            Case(f"{len(rows)} images name the file {self._file(rows[0])!r}", self.which, self._file(rows[0]))
            for rows in _groups(np.array(self.photos.file_names))
        ]

    def _repeated_annotations(self) -> list[Case]:
        return [
            self._boxed(
                f"annotation id {self.boxes.annotation_ids[rows[0]]} is listed for {len(rows)} boxes",
                rows[:1],
            )
            for rows in _groups(self.boxes.annotation_ids)
        ]

    def _strays(self) -> list[Case]:
        strays = np.flatnonzero(~self._is_placed)
        return [
            Case(
                f"annotation {self.boxes.annotation_ids[row]} is of image {self.boxes.image_ids[row]}",
                self.which,
            )
            for row in strays
        ]

    def _unusable_boxes(self) -> Iterator[Findings]:
        placed = np.flatnonzero(self._is_placed)
        problems = box_problems(self.placed, self.photos, MIN_SIDES[self.which])
        for problem in sorted(set(problems.tolist()) - {""}):
            rows = placed[problems == problem]
            yield Findings(problem, self.which, [self._unusable(int(row)) for row in rows])

    def _unusable(self, row: int) -> Case:
        where = f"annotation {self.boxes.annotation_ids[row]} of image {self.boxes.image_ids[row]}"
        corners = ", ".join(f"{side:g}" for side in self.boxes.boxes_xyxy[row])
        return self._boxed(f"{where}, x0, y0, x1, y1 = {corners}", [row])

    def _identical_boxes(self) -> list[Case]:
        finite = np.flatnonzero(np.isfinite(self.boxes.boxes_xyxy).all(axis=1))
        boxes = self.boxes.take(finite)
        images = np.unique(boxes.image_ids, return_inverse=True)[1]
        keys = np.column_stack([images, boxes.labels, boxes.boxes_xyxy])
        places = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        return [
            self._boxed(self._twins(finite[rows]), finite[rows].tolist()[:1])
            for rows in map(np.array, _groups(places))
        ]

    def _twins(self, rows: NDArray[np.integer]) -> str:
        numbers = ", ".join(map(str, self.boxes.annotation_ids[rows].tolist()))
        return f"annotations {numbers} of image {self.boxes.image_ids[rows[0]]} are the same box"

    def _unknown_names(self) -> list[Case]:
        known = {category.name for category in self.categories}
        return [Case(f"{name!r}", self.which) for name in self.split.base if name not in known]

    def _names_without_a_box(self) -> list[Case]:
        known = {category.name for category in self.categories}
        return [
            Case(f"{name!r}", self.which) for name in self._without_boxes(self.split.base) if name in known
        ]

    def _unscored_names(self) -> list[Case]:
        """Return novel names that evaluation cannot score, with the name of the file that may be meant."""
        if self.which == "train":
            return []
        others = {category.name for category in self.categories} - set(self.split.names)
        return [
            Case(f"{name!r}{did_you_mean(name, others)}", self.which)
            for name in self._without_boxes(self.split.novel)
        ]

    def _without_boxes(self, names: Collection[str]) -> list[str]:
        counted = zip(self.split.names, self.boxes_by_name(), strict=True)
        return [name for name, count in counted if not count and name in names]

    def _other_names(self) -> list[Case]:
        wanted = set(self.split.names)
        return [Case(f"{one.name!r}", self.which) for one in self.categories if one.name not in wanted]

    @cached_property
    def _row_of_image(self) -> dict[int, int]:
        return {image_id: row for row, image_id in enumerate(self.photos.ids.tolist())}

    def _file(self, row: int) -> str:
        return self.photos.file_names[row]

    def _boxed(self, text: str, rows: Sequence[int]) -> Case:
        """Return a case with the photo of the first row's box."""
        place = self._row_of_image.get(int(self.boxes.image_ids[rows[0]]))
        if place is None:
            return Case(text, self.which)
        file_name = self._file(place)
        boxes = tuple(_box(self.boxes.boxes_xyxy[row]) for row in rows)
        captions = tuple(self.split.names[self.boxes.labels[row]] for row in rows)
        width, height = self.photos.sizes_wh[place].tolist()
        return Case(f"{text} ({file_name})", self.which, file_name, (width, height), boxes, captions)


def name_counts(split: Split, sets: Mapping[Which, AnnotatedSet]) -> list[NameCounts]:
    """Count the boxes of every name, base first."""
    counted = {which: one.boxes_by_name() for which, one in sets.items()}
    return [
        NameCounts(
            name,
            "base" if label < len(split.base) else "novel",
            {which: counts[label] for which, counts in counted.items()},
        )
        for label, name in enumerate(split.names)
    ]


def _groups(keys: NDArray[np.generic]) -> list[list[int]]:
    """Return the rows that share a key with another, by key."""
    order = np.argsort(keys, kind="stable")
    borders = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
    return [rows.tolist() for rows in np.split(order, borders) if len(rows) > 1]


def _box(values: NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = values.tolist()
    return x0, y0, x1, y1
