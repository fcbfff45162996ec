"""Read JSON from outside: each fault is one sentence that says where."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ezsd.pipeline.errors import DataError, shorten, show

LARGEST_ID = 2**63 - 1


Hook = Callable[[dict[str, Any]], dict[str, Any]]


def without_polygons(values: dict[str, Any]) -> dict[str, Any]:
    """Drop polygons: nine tenths of COCO's and LVIS's files, which would need 10 GB as Python lists."""
    values.pop("segmentation", None)
    return values


def load_json(path: Path, hook: Hook = without_polygons) -> dict[str, Any]:
    """Return the JSON object in `path`; `hook` converts each object in it while it is read.

    Raises:
        DataError: the file is missing, no text, broken JSON or no object.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"), object_hook=hook)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: correct the path of the annotation file in params") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is broken JSON at line {error.lineno}, column {error.colno} ({error.msg}): "
            "fetch or write the file again"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read as JSON ({shorten(str(error))}): give a COCO-format annotation file"
        ) from None
    if not isinstance(tree, dict):
        raise DataError(
            f"{path} holds a JSON {_kind(tree)}, not an object: give a COCO-format annotation file"
        )
    return tree


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can encode it: JSON can hold lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class Row(NamedTuple):
    """One object of a table in a JSON file, and where it is, for messages."""

    path: Path
    kind: str
    position: int
    values: dict[str, Any]

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number; 640.0 counts as one. Raises DataError for anything else."""
        value = self._get(key, default)
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or abs(value) > LARGEST_ID:
            raise self.fault(f"{key} is {show(value)}, not a whole number")
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers; raises DataError for anything else."""
        values = self._get(key, None)
        if not isinstance(values, list) or not all(type(value) is int for value in values):
            raise self.fault(f"{key} is {show(values)}, not a list of whole numbers")
        return tuple(values)

    def text(self, key: str) -> str:
        """Return non-empty text; raises DataError for anything else."""
        value = self._get(key, None)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f"{key} is {show(value)}, not a text")
        if not is_unicode(value):
            raise self.fault(f"{key} is {show(value)}, which is not valid Unicode")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """Return `count` numbers, which may be NaN or infinite; raises DataError for anything else."""
        values = self._get(key, None)
        if not isinstance(values, list) or len(values) != count:
            raise self.fault(f"{key} is {show(values)}, not a list of {count} numbers")
        return tuple(self._number(key, value) for value in values)

    def number(self, key: str, default: float) -> float:
        """Return one number, which may be NaN or infinite; raises DataError for anything else."""
        return self._number(key, self._get(key, default))

    def fault(self, what: str) -> DataError:
        """Return the error that says what is wrong with this row and where it is."""
        name = show(self.values["id"]) if "id" in self.values else f"at {self.position}"
        return DataError(f"{self.path}: {self.kind} {name}: {what}; correct it there")

    def _number(self, key: str, value: Any) -> float:
        if type(value) is float:
            return value
        if type(value) is not int:
            raise self.fault(f"{key} holds {show(value)}, not a number")
        try:
            return float(value)
        except OverflowError:
            return math.inf

    def _get(self, key: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise self.fault(f"{key} is missing")
        return value


def table(tree: dict[str, Any], key: str, kind: str, path: Path) -> list[Row]:
    """Return the rows of the list at `key`; raises DataError without such a list of objects."""
    rows = tree.get(key)
    if not isinstance(rows, list):
        found = f"{key!r} holds a JSON {_kind(rows)}" if key in tree else f"there is no {key!r}"
        raise DataError(f"{path}: {found}, expected a list: give a COCO-format annotation file")
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(
                f"{path}: {key}[{position}] is a JSON {_kind(row)}, expected an object: correct it there"
            )
    return [Row(path, kind, position, row) for position, row in enumerate(rows)]


def _kind(value: Any) -> str:
    kinds = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
