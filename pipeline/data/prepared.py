"""What `prepare` leaves for every later stage: the split, the index, and what was set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.checked import read_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import DatasetIndex, read_index, write_index
from ezsd.cache.masks import MaskTable, read_masks, write_masks
from ezsd.errors import InputError
from ezsd.pipeline.data.cleaning import Finding
from ezsd.split import Split

TRAIN = "train.h5"
VAL = "val.h5"
SPLIT = "split.json"
QUARANTINE = "quarantine.json"
TRAIN_MASKS = "train_masks.h5"

MEND = "run `ezsd-cli precompute --only prepare --force`"


@dataclass(frozen=True)
class Prepared:
    """The folder `artifacts/prepare`; each file is read when it is first asked for.

    Every property raises ArtifactError when its file is missing or damaged.
    """

    folder: Path

    def __reduce__(self) -> tuple[type["Prepared"], tuple[Path]]:
        """Only the folder is sent to a worker, not what was read from it."""
        return Prepared, (self.folder,)

    @cached_property
    def split(self) -> Split:
        """Base and novel names."""
        return read_split(self.folder / SPLIT)

    @cached_property
    def train(self) -> DatasetIndex:
        """Training photos and their base boxes, with shots novel ones too; labels index `split.labelled`."""
        return read_index(self.folder / TRAIN)

    @cached_property
    def train_masks(self) -> MaskTable:
        """Masks of the boxes of `train`; there only when `prepare.masks` asked for them."""
        return read_masks(self.folder / TRAIN_MASKS)

    @cached_property
    def val(self) -> DatasetIndex:
        """Validation photos, without boxes: those are read by evaluation alone."""
        return read_index(self.folder / VAL)

    @cached_property
    def quarantine(self) -> tuple[Finding, ...]:
        """Photos and boxes that were set aside."""
        entries = read_json(self.folder / QUARANTINE, MEND)
        try:
            return tuple(Finding(**entry) for entry in entries)
        except TypeError:
            raise _damaged(self.folder / QUARANTINE) from None


def write_prepared(
    folder: Path, split: Split, train: DatasetIndex, val: DatasetIndex, quarantine: Sequence[Finding]
) -> None:
    """Write all files of the artifact, each whole or not at all."""
    write_json_atomic(folder / SPLIT, split.to_dict())
    write_json_atomic(folder / QUARANTINE, [finding.as_json() for finding in quarantine])
    write_index(folder / TRAIN, train)
    write_index(folder / VAL, val)


def write_train_masks(folder: Path, masks: MaskTable) -> None:
    """Write the masks of the training boxes beside their index."""
    write_masks(folder / TRAIN_MASKS, masks)


def read_split(path: Path) -> Split:
    """Read the split that `prepare` wrote; raises ArtifactError when it is missing or damaged."""
    value = read_json(path, MEND)
    try:
        return Split.from_dict(value)
    except (KeyError, TypeError, InputError):
        raise _damaged(path) from None


def _damaged(path: Path) -> ArtifactError:
    return ArtifactError(f"{path} is damaged; {MEND}")
