"""Measures what mining does beside encoding crops: it ranks, suppresses and filters thousands of anchors."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ezsd.mining.cascade import CascadeMiner, RidgeSums, objectness_sums
from ezsd.mining.exhaustive import mine_exhaustively
from ezsd.mining.proposals import CropClassifier
from ezsd.mining.rpn import RegionProposer, RpnMiner
from ezsd.pipeline.errors import at_key
from ezsd.pipeline.jobs.mine import Miner
from ezsd.pipeline.params import MineParams
from ezsd.pipeline.plan.counts import Amounts, photo_cost
from ezsd.pipeline.plan.probe_parts import evenly_spaced_xyxy, meter_of
from ezsd.pipeline.plan.rates import Clock, Rate, repeat
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.dense_maps import require_dense
from ezsd.teacher.protocol import Teacher


class FreeEncoder(BoxEncoder):
    """Gives crops random embeddings, so that the time of mining is that of everything else."""

    def encode(self, photo: Tensor, boxes_xyxy: Tensor, context_factor: float) -> Tensor:
        """As `BoxEncoder`, without looking at the photo."""
        self.forwards += len(boxes_xyxy)
        return normalize(torch.randn(len(boxes_xyxy), self.teacher.dim), dim=1)


@dataclass(frozen=True)
class MiningProbe:
    """Mines one photo again and again.

    Attributes:
        params: of mining.
        amounts: of the data set.
        teacher: with random weights.
        photo: uint8 (3, H, W).
    """

    params: MineParams
    amounts: Amounts
    teacher: Teacher
    photo: Tensor

    def anchor(self, seconds: float) -> Rate:
        """Seconds of an anchor, crops apart: with the cascade its forwards of whole tiles are in it."""
        # as many other names as base names: about every second crop gets one, as the counts assume
        text = normalize(torch.randn(2 * self.amounts.names, self.teacher.dim), dim=1)
        encoder = FreeEncoder(self.teacher, self.params.batch)
        classifier = CropClassifier(encoder, text, self.amounts.names)
        mine = self._miner()

        def mine_photos(photos: int) -> None:
            for _ in range(photos):
                mine(self.photo, self._objects_xyxy, classifier, self.params)

        return self._an_anchor(repeat(mine_photos, (1,), seconds, self._meter).rate())

    def fitted_anchor(self, seconds: float) -> Rate:
        """Seconds of an anchor of a photo from which the cascade learns."""

        def fit_photos(photos: int) -> None:
            for _ in range(photos):
                self._sums()

        return self._an_anchor(repeat(fit_photos, (1,), seconds, self._meter).rate())

    def _miner(self) -> Miner:
        if self.params.method == "cascade":
            return CascadeMiner(self._sums().solve(), self.params.cascade.fraction)
        if self.params.method == "rpn":
            return RpnMiner(RegionProposer(self.params.rpn).eval().to(self.teacher.device))
        return mine_exhaustively

    def _sums(self) -> RidgeSums:
        with at_key("mine.method"):
            teacher = require_dense(self.teacher)
        return objectness_sums(self.photo, self._objects_xyxy, teacher, self.params)

    def _an_anchor(self, photo: Rate) -> Rate:
        height, width = self.photo.shape[1:]
        return photo * (1 / photo_cost(self.params, (height, width)).anchors)

    @cached_property
    def _objects_xyxy(self) -> Tensor:
        return evenly_spaced_xyxy(self.amounts.boxes_a_photo, self.photo)

    @property
    def _meter(self) -> Clock:
        return meter_of(self.teacher.device)
