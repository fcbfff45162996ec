"""What mining takes and gives: the names that compete, the teacher as classifier of crops, the proposals."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ezsd.errors import InputError
from ezsd.mining.config import Take
from ezsd.mining.score import name_probabilities
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder


@dataclass(frozen=True)
class MiningNames:
    """Names that compete for a crop; a proposal's label indexes `names`.

    Attributes:
        names: all names, base names first.
        base_count: number of base names.
        protocol: from `Split.protocol`, with `names known` (the paper's setting: novel names may be used,
            their boxes not) or `strict`.
    """

    names: tuple[str, ...]
    base_count: int
    protocol: str


def known_names(split: Split) -> MiningNames:
    """The base and novel names of the split."""
    return MiningNames(split.names, len(split.base), split.protocol("names known"))


def strict_names(split: Split, extra: Sequence[str]) -> MiningNames:
    """The base names of the split and the user's own names, chosen without knowledge of the novel names.

    Raises:
        InputError: an extra name is a base name or is listed twice.
    """
    for place, name in enumerate(extra):
        if name in split.base or name in extra[:place]:
            raise InputError(f"the extra names hold {name!r}, which is a base name or comes twice: remove it")
    return MiningNames((*split.base, *extra), len(split.base), split.protocol("strict"))


@dataclass(frozen=True)
class Proposals:
    """Boxes mined in one photo, highest score first; K may be 0.

    Attributes:
        boxes_xyxy: float32 `(K, 4)`, absolute pixels of the photo.
        scores: float32 `(K,)`; the miner's ranking: `certainty` in [0, ln C], or objectness in [0, 1].
        labels: int64 `(K,)`, most likely name of the crop with context, an index into the mining names.
        confidence: float32 `(K,)` in (0, 1], probability of that name; the weight in distillation.
        anchors: number of boxes that were considered.
        forwards: number of crops that went through the teacher.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    confidence: Tensor
    anchors: int
    forwards: int

    def __len__(self) -> int:
        return len(self.boxes_xyxy)


def draw_order(rows: Tensor, photo: Tensor, take: Take) -> Tensor:
    """Rows `(N,)`, best first, in the order in which they are stored: theirs, or one seeded by the pixels."""
    if take == "best":
        return rows
    generator = torch.Generator().manual_seed(int(photo.sum(dtype=torch.int64)))
    return rows[torch.randperm(len(rows), generator=generator)]


@dataclass(frozen=True)
class CropClassifier:
    """The teacher as a zero-shot classifier of crops.

    Attributes:
        encoder: cuts and encodes crops, and counts them.
        text_embeddings: float32 `(C, D)` of the mining names, base names first; L2-normalised, on the CPU.
        base_count: number of base names.
    """

    encoder: BoxEncoder
    text_embeddings: Tensor
    base_count: int

    @property
    def has_other_names(self) -> bool:
        """Whether a crop can get a name that is not a base name."""
        return len(self.text_embeddings) > self.base_count

    def probabilities(self, photo: Tensor, boxes_xyxy: Tensor, context_factor: float) -> Tensor:
        """Probability of each name for each box, float32 `(N, C)`; arguments as for `BoxEncoder.encode`."""
        embeddings = self.encoder.encode(photo, boxes_xyxy, context_factor)
        return name_probabilities(embeddings, self.text_embeddings, self.encoder.teacher.logit_scale)
