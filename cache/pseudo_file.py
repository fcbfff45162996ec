"""The file of pseudo boxes, written by `pseudo` and read by `train`."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.hdf5 import Hdf5Writer, open_hdf5

_KIND = "pseudo boxes"
FILE = "pseudo.h5"
NO_NAME = -1


@dataclass(frozen=True)
class PseudoTable:
    """M pseudo boxes of N training photos; those of photo i are rows offsets[i] to offsets[i + 1].

    Attributes:
        offsets: int64 (N + 1,).
        boxes_xyxy: float32 (M, 4), absolute px in the original photo.
        labels: int32 (M,), index into all names of the split, or `NO_NAME`.
        confidence: float32 (M,) in [0, 1], calibrated.
    """

    offsets: np.ndarray
    boxes_xyxy: np.ndarray
    labels: np.ndarray
    confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def photos(self) -> int:
        """N."""
        return len(self.offsets) - 1

    @staticmethod
    def empty(photos: int) -> "PseudoTable":
        """Return a table without boxes for `photos` photos."""
        return PseudoTable(
            np.zeros(photos + 1, np.int64),
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int32),
            np.zeros(0, np.float32),
        )

    def rows_of(self, photo: int) -> slice:
        """Return the rows of the photo in row `photo` of the index."""
        return slice(int(self.offsets[photo]), int(self.offsets[photo + 1]))


def write_pseudo(path: Path, table: PseudoTable) -> None:
    """Write the table as one HDF5 file, the same bytes for the same content."""
    _check(table)
    writer = Hdf5Writer(_KIND)
    for field in fields(PseudoTable):
        writer.put(field.name, getattr(table, field.name))
    writer.publish(path)


def read_pseudo(path: Path) -> PseudoTable:
    """Read what `write_pseudo` wrote. Raises ArtifactError when it is missing, damaged or foreign."""
    with open_hdf5(path, _KIND) as reader:
        table = PseudoTable(**{field.name: reader.get(field.name) for field in fields(PseudoTable)})
        _check(table)
        return table


def _check(table: PseudoTable) -> None:
    count = len(table.labels)
    forms = {
        "offsets": ((len(table.offsets),), np.int64),
        "boxes_xyxy": ((count, 4), np.float32),
        "labels": ((count,), np.int32),
        "confidence": ((count,), np.float32),
    }
    for name, (shape, dtype) in forms.items():
        array = getattr(table, name)
        if array.shape != shape or array.dtype != dtype:
            raise ArtifactError(
                f"{name} must be {np.dtype(dtype)} {shape}, but {array.dtype} {array.shape} came"
            )
    offsets = table.offsets
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != count or (np.diff(offsets) < 0).any():
        raise ArtifactError(f"box offsets must rise from 0 to the {count} pseudo boxes")
    if not (
        np.isfinite(table.boxes_xyxy).all() and (table.boxes_xyxy[:, 2:] > table.boxes_xyxy[:, :2]).all()
    ):
        raise ArtifactError("a pseudo box is empty or not finite")
    if count and (
        table.labels.min() < NO_NAME or not ((table.confidence >= 0) & (table.confidence <= 1)).all()
    ):
        raise ArtifactError("a pseudo box has a label below -1 or a confidence outside 0..1")
