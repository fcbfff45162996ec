"""Tables for people: what a spreadsheet would compute is quoted, and read back as it was."""

from pathlib import Path

import pytest

from ezsd.cache.errors import ArtifactError
from ezsd.cache.tables import read_table, table_bytes

FIX = "run it again"
HOSTILE = [
    "=1+1",
    "+1",
    "-x",
    "@SUM(A1)",
    "\t=1",
    "\rx",
    "'=1",
    "''@",
    "'quoted'",
    "plain",
    'a "b", c\nd',
    "",
]


def test_formulas_are_quoted_and_read_back(tmp_path: Path) -> None:
    data = table_bytes(["name", "score"], [{"name": name, "score": -0.5} for name in HOSTILE])
    (tmp_path / "a.csv").write_bytes(data)
    rows = read_table(tmp_path / "a.csv", FIX)
    assert [row["name"] for row in rows] == HOSTILE
    assert {row["score"] for row in rows} == {"-0.5"}
    assert data.splitlines()[1:4] == [b"'=1+1,-0.5", b"'+1,-0.5", b"'-x,-0.5"]


@pytest.mark.parametrize("text", [b"a,b\n1\n", b"a,b\n1,2,3\n", b"\xff\n", b'a\n"b', b"a\n" + b"x" * 200_000])
def test_a_table_that_is_not_ours_is_a_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(text)
    with pytest.raises(ArtifactError, match=r"a\.csv is damaged: .*; run it again"):
        read_table(tmp_path / "a.csv", FIX)
