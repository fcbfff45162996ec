"""LVIS v1: COCO's format without file names, and categories sorted into frequent, common and rare."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.json_rows import Row, table
from ezsd.pipeline.data.tables import Category, Searched
from ezsd.pipeline.errors import DataError
from ezsd.split import Split

LVIS_SPLITS = {"lvis_866_337": "fc", "lvis_405_798": "f", "world_long_tail": "fc"}
"""Frequencies that are base, by split; in LVIS v1, 337 names are rare, 461 common and 405 frequent.

`world_long_tail` is that of the embedded world's variant, whose names number others.
"""


class LvisFile(CocoFile):
    """An `lvis_v1_*.json`; its photos are COCO's, so the photo folder is the one that holds `train2017/`."""

    def searched(self) -> Mapping[int, Searched]:
        """Return what each photo was searched for; raises DataError for a photo that does not say it."""
        rows = table(self._tree, "images", "image", self.path)
        return {
            row.whole("id"): Searched(
                row.wholes("neg_category_ids"), row.wholes("not_exhaustive_category_ids")
            )
            for row in rows
        }

    def _category(self, row: Row) -> Category:
        frequency = row.text("frequency")
        if frequency not in ("f", "c", "r"):
            raise row.fault(f"frequency is {frequency!r}, not f, c or r")
        return Category(row.whole("id"), row.text("name"), frequency)

    def _file_name(self, row: Row) -> str:
        """`http://.../train2017/000000391895.jpg` -> `train2017/000000391895.jpg`."""
        parts = row.text("coco_url").split("/")
        if len(parts) < 2:
            raise row.fault(f"coco_url {row.text('coco_url')!r} does not end in folder/file")
        return "/".join(parts[-2:])


def frequency_split(name: str, categories: Sequence[Category], path: Path) -> Split:
    """Return one of `LVIS_SPLITS` over the categories of `path`, each side in the order of category ids.

    Raises DataError when the categories carry no frequency or all fall on one side.
    """
    in_order = sorted(categories, key=lambda category: category.id)
    if not all(category.frequency for category in in_order):
        raise DataError(f"{path}: its categories have no 'frequency', which split {name!r} is made from: "
                        "set data.format to lvis and give LVIS v1 annotations")  # fmt: skip
    base = tuple(category.name for category in in_order if category.frequency in LVIS_SPLITS[name])
    novel = tuple(category.name for category in in_order if category.frequency not in LVIS_SPLITS[name])
    return Split(name, base, novel)
