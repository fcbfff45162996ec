"""COCO's annotation format, which many data sets use."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ezsd.pipeline.data.checks import check_categories
from ezsd.pipeline.data.json_rows import Row, load_json, table
from ezsd.pipeline.data.tables import Boxes, Category, Photos, Searched, boxes_from_rows, photos_from_rows


class CocoFile:
    """An `instances_*.json` with tables `images`, `annotations` and `categories`."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises DataError if it is no JSON object."""
        self.path = path
        self._tree = load_json(path)

    def categories(self) -> tuple[Category, ...]:
        """Return the categories in the file's order; raises DataError if an id or name occurs twice."""
        categories = tuple(map(self._category, table(self._tree, "categories", "category", self.path)))
        check_categories(categories, self.path)
        return categories

    def photos(self) -> Photos:
        """Return the photos as the file lists them; raises DataError if one is malformed."""
        return photos_from_rows(list(map(self._photo, table(self._tree, "images", "image", self.path))))

    def boxes(self, names: Sequence[str]) -> Boxes:
        """Return the boxes of `names` as the file lists them; only the category of others is read.

        Raises:
            DataError: a box is malformed, or a category id is none of the file's.
        """
        index = {name: label for label, name in enumerate(names)}
        labels = {category.id: index.get(category.name) for category in self.categories()}
        rows = []
        for row in table(self._tree, "annotations", "annotation", self.path):
            category_id = row.whole("category_id")
            if category_id not in labels:
                raise row.fault(f"category_id {category_id} is none of the file's categories")
            label = labels[category_id]
            if label is not None:
                rows.append(_box(row, label))
        return boxes_from_rows(rows)

    def searched(self) -> Mapping[int, Searched]:
        """Return nothing: COCO's photos were searched for all categories."""
        return {}

    def _category(self, row: Row) -> Category:
        return Category(row.whole("id"), row.text("name"))

    def _photo(self, row: Row) -> tuple[int, str, int, int]:
        width, height = (_side(row, key) for key in ("width", "height"))
        return row.whole("id"), self._file_name(row), width, height

    def _file_name(self, row: Row) -> str:
        return row.text("file_name")


def _side(row: Row, key: str) -> int:
    side = row.whole(key)
    if not 1 <= side < 2**31:
        raise row.fault(f"{key} is {side}, not a size in pixels")
    return side


def _box(row: Row, label: int) -> tuple[int, int, int, tuple[float, ...], float, bool]:
    x, y, width, height = row.numbers("bbox", 4)
    area = row.number("area", width * height)
    crowd = row.whole("iscrowd", 0) != 0
    return row.whole("id"), row.whole("image_id"), label, (x, y, x + width, y + height), area, crowd
