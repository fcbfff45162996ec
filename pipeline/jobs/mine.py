"""The work of `mine`: the interface of a mining method, and the job that fills the store of proposals.

Each method is a module `mine_<method>` with `prepare_miner(inputs: MiningInputs) -> MinerSource`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import Mined, Rows, mined_arrays, padded
from ezsd.cache.objects import Location
from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import CropClassifier, MiningNames, Proposals, known_names, strict_names
from ezsd.pipeline.data.training_photos import TrainingPhotos, open_training_photos
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.jobs.job import StoreJob
from ezsd.pipeline.jobs.read_ahead import read_ahead
from ezsd.pipeline.models.teacher import RenormalizedTeacher, prompts_of, renormalized_teacher
from ezsd.pipeline.params import MineParams
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts

Miner = Callable[[Tensor, Tensor, CropClassifier, MineConfig], Proposals]
"""Photo, its base boxes, teacher and recipe to proposals, as `mine_exhaustively`."""


class MinerSource(Protocol):
    """Loads the miner in a worker: sources are sent to workers, models are not.

    `score` is the meaning of a proposal's score: `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
    """

    @property
    def score(self) -> str: ...

    @property
    def scored_context_factor(self) -> float | None:
        """Sides of the crop that is scored / sides of the box; None when the score is of no crop."""
        ...

    def load(self) -> Miner:
        """Load the miner. Raises ArtifactError when its weights are missing or damaged."""
        ...


@dataclass(frozen=True)
class MiningInputs:
    """What a method may use: base boxes, photos, and the re-normalized teacher."""

    context: StageContext
    teacher: RenormalizedTeacher
    photos: TrainingPhotos


def mining_inputs(context: StageContext) -> MiningInputs:
    """The inputs of a run."""
    return MiningInputs(context, renormalized_teacher(context), open_training_photos(context))


def mining_names(params: MineParams, split: Split) -> MiningNames:
    """The names that compete for a crop."""
    if params.names == "known":
        return known_names(split)
    with at_key("mine.extra_names"):
        return strict_names(split, params.extra_names)


@dataclass(frozen=True)
class MineShards(StoreJob):
    """Mines proposals from the photos of a shard."""

    photos: TrainingPhotos
    source: MinerSource
    teacher: RenormalizedTeacher
    prompts: Prompts
    names: MiningNames
    params: MineParams
    location: Location

    def __call__(self, shard: int) -> dict[str, float]:
        """Mine a shard; return the number of crops as `forwards`."""
        mine = self.source.load()
        classifier = crop_classifier(self.teacher, self.names, self.prompts, self.params)
        rows = self.rows(shard)
        found = [
            mine(photo, self._occupied_xyxy(row), classifier, self.params)
            for row, photo in zip(rows, read_ahead(self.photos.photo, rows), strict=True)
        ]
        image_ids = self.photos.index.photos.image_ids[rows]
        self.store.write_shard(shard, {**proposal_rows(found, self.params.keep), "image_ids": image_ids})
        return {"forwards": classifier.encoder.forwards}

    def _occupied_xyxy(self, row: int) -> torch.Tensor:
        """What proposals must not overlap: `(M, 4)`."""
        return self.photos.occupied_xyxy(row) if self.params.filters == "base" else torch.empty((0, 4))


@torch.inference_mode()
def crop_classifier(
    teacher: RenormalizedTeacher, names: MiningNames, prompts: Prompts, params: MineParams
) -> CropClassifier:
    """Load the teacher as a classifier of crops; without filters it counts no name as a base name."""
    loaded = teacher.load()
    text = embed_names(loaded, names.names, prompts).cpu()
    return CropClassifier(
        BoxEncoder(loaded, params.batch), text, names.base_count if params.filters == "base" else 0
    )


def mine_shards(inputs: MiningInputs, names: MiningNames, source: MinerSource, mined: Mined) -> MineShards:
    """Create the store and return the job that fills it."""
    params = inputs.context.params
    attributes = {
        "names": names.names,
        "base_count": names.base_count,
        "protocol": names.protocol,
        "score": source.score,
        "scored_context_factor": source.scored_context_factor,
    }
    mined.create(len(inputs.photos), params.mine.photos_per_shard, params.mine.keep, attributes)
    return MineShards(
        photos=inputs.photos,
        source=source,
        teacher=inputs.teacher,
        prompts=prompts_of(params.teacher),
        names=names,
        params=params.mine,
        location=mined.location,
    )


def proposal_rows(found: Sequence[Proposals], keep: int) -> Rows:
    """All arrays of a shard except the ids, padded to `keep` proposals per photo."""
    specs = mined_arrays(keep)
    return {
        **{
            name: np.stack([padded(getattr(one, name).numpy(), specs[name]) for one in found])
            for name in ("boxes_xyxy", "scores", "labels", "confidence")
        },
        "count": np.array([len(one) for one in found], np.int32),
        "anchors": np.array([one.anchors for one in found], np.int32),
        "forwards": np.array([one.forwards for one in found], np.int32),
    }
