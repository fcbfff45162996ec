"""The stage `mine` of an oracle: its proposals are the novel objects of the training photos."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ezsd.mining.config import MineConfig
from ezsd.mining.proposals import CropClassifier, Proposals
from ezsd.mining.score import OBJECTNESS
from ezsd.pipeline.data.sources import DataSources, resolve_sources
from ezsd.pipeline.data.tables import Boxes
from ezsd.pipeline.data.training_photos import TrainingPhotos
from ezsd.pipeline.data.views import read_full_annotations
from ezsd.pipeline.jobs.mine import Miner, mining_inputs
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.stages.mine import fill_store


@dataclass(frozen=True)
class NovelObjects(TrainingPhotos):
    """Training photos with novel objects where a miner gets the base ones."""

    sources: DataSources

    def occupied_xyxy(self, row: int) -> Tensor:
        """Return the boxes of novel objects, `(N, 4)` float32, in pixels of the photo."""
        here = self._novel.image_ids == self.index.photos.image_ids[row]
        return torch.from_numpy(self._novel.boxes_xyxy[here]).float()

    @cached_property
    def _novel(self) -> Boxes:
        split = self.prepared.split
        boxes = read_full_annotations(self.sources, "train", split).clean.boxes.objects()
        return boxes.take(boxes.labels >= len(split.base))


@dataclass(frozen=True)
class GivenBoxes:
    """A miner that proposes the boxes it is given; the teacher names them."""

    score: str = OBJECTNESS
    scored_context_factor: None = None

    def load(self) -> Miner:
        """Return the miner."""
        return propose_given


def propose_given(
    photo: Tensor, boxes_xyxy: Tensor, classifier: CropClassifier, config: MineConfig
) -> Proposals:
    """Propose the boxes, `(N, 4)`, each with score 1."""
    boxes_xyxy = boxes_xyxy[: config.keep]
    confidence, labels = classifier.probabilities(photo, boxes_xyxy, config.context_factor).max(dim=1)
    count = len(boxes_xyxy)
    return Proposals(boxes_xyxy, torch.ones(count), labels, confidence, anchors=count, forwards=count)


def run(context: StageContext) -> StageResult:
    """Write the artifact of `mine`."""
    inputs = mining_inputs(context)
    photos = inputs.photos
    sources = resolve_sources(context.params.data, context.root, photos.prepared.folder)
    novel = NovelObjects(photos.prepared, photos.folder, sources)
    return fill_store(replace(inputs, photos=novel), GivenBoxes())
