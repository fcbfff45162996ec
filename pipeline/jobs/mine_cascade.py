"""`mine.method: cascade`: fits the objectness that ranks anchors, on base boxes of some training photos."""

from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from torch import Tensor

from ezsd.cache.folders import remove_folder
from ezsd.mining.cascade import CascadeMiner, RidgeSums, objectness_sums
from ezsd.mining.config import MineConfig
from ezsd.mining.score import CERTAINTY
from ezsd.pipeline.data.training_photos import TrainingPhotos
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.jobs.job import Job
from ezsd.pipeline.jobs.mine import Miner, MiningInputs
from ezsd.pipeline.models.teacher import RenormalizedTeacher
from ezsd.pipeline.tensor_files import read_tensors, write_tensors
from ezsd.teacher.dense_maps import require_dense
from ezsd.teacher.protocol import Teacher

FIT_PHOTOS = 256
PHOTOS_PER_PART = 16
PARTS = "parts"
"""What an interrupted fit leaves to resume from; a finished one removes it."""

FIX = "run ezsd-cli precompute --only mine --force"


@dataclass(frozen=True)
class ObjectnessFit(Job):
    """Sums over photos part by part, each of which leaves a file."""

    label = "mine: fit objectness"

    photos: TrainingPhotos
    teacher: RenormalizedTeacher
    config: MineConfig
    fitted: tuple[int, ...]
    parts: Path

    @property
    def shards(self) -> int:
        """Number of parts."""
        return -(-len(self.fitted) // PHOTOS_PER_PART)

    def size(self, shard: int) -> int:
        """Photos of a part."""
        return len(self.rows(shard))

    def rows(self, shard: int) -> tuple[int, ...]:
        """Rows of the index in a part."""
        return self.fitted[shard * PHOTOS_PER_PART : (shard + 1) * PHOTOS_PER_PART]

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run has summed the part."""
        return self.path(shard).is_file()

    def path(self, shard: int) -> Path:
        """Where a part's sums lie."""
        return self.parts / f"{shard:04d}.safetensors"

    def __call__(self, shard: int) -> dict[str, float]:
        """Sum one part."""
        with at_key("mine.method"):
            teacher = require_dense(self.teacher.load())
        total = reduce(add, [self._sums(row, teacher) for row in self.rows(shard)])
        write_tensors(self.path(shard), {"gram": total.gram, "cross": total.cross})
        return {}

    def _sums(self, row: int, teacher: Teacher) -> RidgeSums:
        return objectness_sums(self.photos.photo(row), self.photos.objects_xyxy(row), teacher, self.config)

    def solve(self) -> Tensor:
        """The fitted weights; all parts must have been summed."""
        sums = [RidgeSums(**read_tensors(self.path(shard), FIX)) for shard in range(self.shards)]
        return reduce(add, sums).solve()


@dataclass(frozen=True)
class CascadeSource:
    """The coarse-to-fine miner, by the file with its fitted weights."""

    weights: Path
    fraction: float
    scored_context_factor: float
    score: str = CERTAINTY

    def load(self) -> Miner:
        """The miner. Raises ArtifactError when the weights are missing or damaged."""
        return CascadeMiner(read_tensors(self.weights, FIX)["weights"], self.fraction)


def prepare_miner(inputs: MiningInputs) -> CascadeSource:
    """The miner with its objectness fitted, now unless an earlier run has left it."""
    context, params, path = (
        inputs.context,
        inputs.context.params.mine,
        inputs.context.folder / "objectness.safetensors",
    )
    parts = context.folder / PARTS
    if not path.is_file():
        fit = ObjectnessFit(inputs.photos, inputs.teacher, params, _fit_rows(inputs.photos), parts)
        context.map_shards(fit)
        write_tensors(path, {"weights": fit.solve()})
    remove_folder(parts)
    return CascadeSource(path, params.cascade.fraction, params.context_factor)


def _fit_rows(photos: TrainingPhotos) -> tuple[int, ...]:
    """Rows of at most `FIT_PHOTOS` photos with base boxes, spread evenly over the index."""
    with_boxes = np.flatnonzero(np.diff(photos.index.boxes.offsets))
    count = min(FIT_PHOTOS, len(with_boxes))
    chosen: list[int] = with_boxes[np.linspace(0, len(with_boxes) - 1, count).round().astype(int)].tolist()
    return tuple(chosen)
