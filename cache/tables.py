"""CSV files for people and for `dvc plots`, which a spreadsheet may open and the pipeline reads back."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ezsd.cache.checked import read_checked
from ezsd.cache.errors import ArtifactError

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a cell begins that a spreadsheet would compute, and such a cell after it was quoted."""


def table_bytes(head: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A CSV table in UTF-8; None becomes an empty cell.

    A text such as `=1+1` gets an apostrophe before it, so that a spreadsheet shows it as text. Numbers stay.
    """
    return b"".join(_line(cells) for cells in (head, *([row[name] for name in head] for row in rows)))


def read_table(path: Path, fix: str) -> list[dict[str, str]]:
    """The rows of a file that `table_bytes` made, of an artifact: column -> cell.

    Raises ArtifactError as `read_checked`, and for a table with a row that is too short or too long.
    """
    data = read_checked(path, fix)
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row is not as long as the first")
    except (ValueError, csv.Error) as error:
        raise ArtifactError(f"{path} is damaged: it is no table of ours ({error}); {fix}") from None
    return [{name: _unquoted(cell) for name, cell in row.items()} for row in rows]


def _line(cells: Sequence[Any]) -> bytes:
    """One row; by its own end of line csv knows what it has to enclose in quotes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(map(_quoted, cells))
    return text.getvalue().removesuffix("\r\n").encode() + b"\n"


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
