"""The table of masks on disk."""

from pathlib import Path

import numpy as np
import pytest

from ezsd.cache.errors import ArtifactError
from ezsd.cache.masks import MaskTable, read_masks, write_masks

RUNS = [b"abc", b"", b"defgh"]


def test_what_was_written_is_read_and_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.h5", "other.h5"):
        write_masks(tmp_path / name, MaskTable.join(RUNS))
    read = read_masks(tmp_path / "one.h5")
    assert [read.of(row) for row in range(len(read))] == RUNS
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_no_masks_at_all(tmp_path: Path) -> None:
    write_masks(tmp_path / "none.h5", MaskTable.join([]))
    assert len(read_masks(tmp_path / "none.h5")) == 0


def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    write_masks(tmp_path / "bad.h5", MaskTable(np.array([0, 3, 9]), np.zeros(8, np.uint8)))
    with pytest.raises(ArtifactError, match="must rise from 0 to the 8 bytes"):
        read_masks(tmp_path / "bad.h5")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.h5 is missing"):
        read_masks(tmp_path / "gone.h5")
