"""CSV files for people, `dvc plots` and spreadsheets, which the pipeline can read back."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ezsd.cache.checked import read_checked
from ezsd.cache.errors import ArtifactError

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""Beginning of a cell that a spreadsheet would compute, and of such a cell once quoted."""


def table_bytes(head: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Encode a CSV table in UTF-8; None becomes an empty cell.

    A text such as `=1+1` gets an apostrophe before it, so that a spreadsheet shows text. Numbers stay.
    """
    return b"".join(_line(cells) for cells in (head, *([row[name] for name in head] for row in rows)))


def read_table(path: Path, fix: str) -> list[dict[str, str]]:
    """Read the rows, column -> cell, of a file of an artifact that `table_bytes` encoded.

    Raises:
        ArtifactError: as `read_checked`, or a row is too short or too long.
    """
    data = read_checked(path, fix)
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))
        if any(None in row or None in row.values() for row in rows):
            raise ValueError("a row is not as long as the first")
    except (ValueError, csv.Error) as error:
        raise ArtifactError(f"{path} is damaged: it is not a valid table ({error}); {fix}") from None
    return [{name: _unquoted(cell) for name, cell in row.items()} for row in rows]


def _line(cells: Sequence[Any]) -> bytes:
    """Encode one row. With `\\r\\n` as line end, csv quotes cells that hold either character."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(map(_quoted, cells))
    return text.getvalue().removesuffix("\r\n").encode() + b"\n"


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
