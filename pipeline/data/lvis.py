"""LVIS v1: COCO's format with URLs instead of file names; categories are frequent, common or rare."""

from collections.abc import Mapping

from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.json_rows import Row, table
from ezsd.pipeline.data.tables import Category, Searched


class LvisFile(CocoFile):
    """An `lvis_v1_*.json`; its photos are COCO's, so the photo folder is the one with `train2017/` in it."""

    def searched(self) -> Mapping[int, Searched]:
        """Return what each photo was searched for, by image id; raises DataError for a photo without it."""
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
