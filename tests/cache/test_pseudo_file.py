from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ezsd.cache.errors import ArtifactError
from ezsd.cache.pseudo_file import PseudoTable, read_pseudo, write_pseudo

TABLE = PseudoTable(
    np.array([0, 1, 1], np.int64),
    np.array([[0, 0, 5, 5]], np.float32),
    np.array([2], np.int32),
    np.array([0.5], np.float32),
)


@pytest.mark.parametrize("table", [TABLE, PseudoTable.empty(3)])
def test_a_table_is_read_as_written(tmp_path: Path, table: PseudoTable) -> None:
    write_pseudo(tmp_path / "pseudo.h5", table)
    read = read_pseudo(tmp_path / "pseudo.h5")
    assert read.photos == table.photos and read.offsets.tolist() == table.offsets.tolist()
    assert (
        read.boxes_xyxy.tolist() == table.boxes_xyxy.tolist()
        and read.labels.tolist() == table.labels.tolist()
    )


@pytest.mark.parametrize(
    "broken",
    [
        replace(TABLE, offsets=np.array([0, 1, 2], np.int64)),
        replace(TABLE, boxes_xyxy=np.array([[5, 0, 5, 5]], np.float32)),
        replace(TABLE, labels=np.array([-2], np.int32)),
        replace(TABLE, confidence=np.array([1.5], np.float32)),
        replace(TABLE, confidence=np.array([0.5])),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, broken: PseudoTable) -> None:
    with pytest.raises(ArtifactError):
        write_pseudo(tmp_path / "pseudo.h5", broken)
