"""`mine.method: cascade`: fits the objectness that ranks anchors, on base boxes of some training photos."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import wipe
from ezsd.mining.cascade import CascadeMiner, objectness_sums
from ezsd.mining.config import MineConfig
from ezsd.mining.objectness import RidgeSums
from ezsd.mining.score import CERTAINTY
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.jobs.miners import Miner, MiningInputs
from ezsd.pipeline.models.teacher import RenormalizedTeacher

FIT_PHOTOS = 256
PHOTOS_PER_PART = 16
PARTS = "parts"
"""What an interrupted fit leaves to resume from; a finished one removes it."""


@dataclass(frozen=True)
class ObjectnessPart:
    """Sums over the photos of one part and leaves them in a file; travels to workers."""

    teacher: RenormalizedTeacher
    config: MineConfig
    prepared: Path
    photos: PhotoFolder
    rows: tuple[int, ...]
    parts: Path

    @property
    def shards(self) -> int:
        """Number of parts."""
        return -(-len(self.rows) // PHOTOS_PER_PART)

    def rows_of(self, shard: int) -> tuple[int, ...]:
        """Rows of the index."""
        return self.rows[shard * PHOTOS_PER_PART : (shard + 1) * PHOTOS_PER_PART]

    def path(self, shard: int) -> Path:
        """Where a part's sums lie."""
        return self.parts / f"{shard:04d}.safetensors"

    def __call__(self, shard: int) -> dict[str, float]:
        """Sums one part."""
        index, teacher = Prepared(self.prepared).train, self.teacher.load()
        sums: list[RidgeSums] = []
        for row in self.rows_of(shard):
            width, height = index.photos.sizes_wh[row].tolist()
            photo = self.photos.decode(index.photos.file_names[row], (width, height))
            boxes = index.boxes_of(row)
            base_boxes_xyxy = torch.from_numpy(boxes.boxes_xyxy[~boxes.crowd])
            sums.append(objectness_sums(photo, base_boxes_xyxy, teacher, self.config))
        total = reduce(add, sums)
        write_bytes_atomic(self.path(shard), save({"gram": total.gram, "cross": total.cross}))
        return {}


@dataclass(frozen=True)
class CascadeSource:
    """The coarse-to-fine miner, by the file with its fitted weights."""

    weights: Path
    fraction: float
    scored_enlarge: float
    score: str = CERTAINTY

    def load(self) -> Miner:
        """The miner. Raises ArtifactError when the weights are missing or damaged."""
        return CascadeMiner(_read(self.weights)["weights"], self.fraction)


def prepare_miner(inputs: MiningInputs) -> CascadeSource:
    """The miner with its objectness fitted, now unless an earlier run has left it."""
    folder = inputs.context.folder
    path, parts = folder / "objectness.safetensors", folder / PARTS
    if not path.is_file():
        _fit_objectness(inputs, parts, path)
    if parts.is_dir():
        wipe(parts)
        parts.rmdir()
    params = inputs.context.params.mine
    return CascadeSource(path, params.cascade.fraction, params.context_factor)


def _fit_objectness(inputs: MiningInputs, parts: Path, path: Path) -> None:
    rows = _fit_rows(inputs.prepared)
    config = inputs.context.params.mine
    part = ObjectnessPart(inputs.teacher, config, inputs.prepared.folder, inputs.photos, rows, parts)
    inputs.context.map_shards(
        part,
        part.shards,
        lambda n: part.path(n).is_file(),
        lambda n: len(part.rows_of(n)),
        "photos",
        label="mine: fit objectness",
    )
    sums = [RidgeSums(**_read(part.path(shard))) for shard in range(part.shards)]
    write_bytes_atomic(path, save({"weights": reduce(add, sums).solve()}))


def _fit_rows(prepared: Prepared) -> tuple[int, ...]:
    """Rows of at most `FIT_PHOTOS` photos with base boxes, spread evenly over the index."""
    with_boxes = np.flatnonzero(np.diff(prepared.train.boxes.offsets))
    count = min(FIT_PHOTOS, len(with_boxes))
    chosen: list[int] = with_boxes[np.linspace(0, len(with_boxes) - 1, count).round().astype(int)].tolist()
    return tuple(chosen)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            f"{path} is missing or damaged; run: ezsd-cli precompute --only mine --force"
        ) from error
