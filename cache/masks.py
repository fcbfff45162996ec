"""Masks of the training boxes, written by `prepare` for a detector with a mask head."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ezsd.cache.errors import ArtifactError
from ezsd.cache.hdf5 import Hdf5Writer, open_hdf5

_KIND = "mask table"


@dataclass(frozen=True)
class MaskTable:
    """M masks, row for row those of the `BoxTable` beside it, each in its photo's frame and size.

    Attributes:
        offsets: int64 (M + 1,), where each mask begins in `counts`.
        counts: uint8 (offsets[M],), COCO's compressed run lengths, one mask after another.
    """

    offsets: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @staticmethod
    def join(run_lengths: Sequence[bytes]) -> "MaskTable":
        """Build the table of these masks."""
        lengths = np.array([len(one) for one in run_lengths], dtype=np.int64)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        return MaskTable(offsets, np.frombuffer(b"".join(run_lengths), np.uint8))

    def of(self, row: int) -> bytes:
        """Return the run lengths of one mask."""
        return self.counts[self.offsets[row] : self.offsets[row + 1]].tobytes()


def write_masks(path: Path, masks: MaskTable) -> None:
    """Write the table as one HDF5 file, the same bytes for the same content.

    Raises:
        ArtifactError: the disk is full or refuses.
    """
    writer = Hdf5Writer(_KIND)
    writer.put("offsets", masks.offsets)
    writer.put("counts", masks.counts)
    writer.publish(path)


def read_masks(path: Path) -> MaskTable:
    """Read what `write_masks` wrote. Raises ArtifactError when it is missing, damaged or foreign."""
    with open_hdf5(path, _KIND) as reader:
        masks = MaskTable(reader.get("offsets"), reader.get("counts"))
        rising = masks.offsets[0] == 0 and (np.diff(masks.offsets) >= 0).all()
        if not rising or masks.offsets[-1] != len(masks.counts):
            raise ArtifactError(f"{path}: mask offsets must rise from 0 to the {len(masks.counts)} bytes")
        return masks
