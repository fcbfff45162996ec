"""What mining finds in one photo, and the teacher as it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ezsd.errors import InputError
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder


@dataclass(frozen=True)
class MiningNames:
    """Names that compete for a crop; a proposal's label indexes `names`, base names first.

    Args:
        names: all names.
        base_count: how many of them, from the start, are base names.
        protocol: of `Split.protocol`, with `names known` (the paper's setting: novel names may be used, their
            boxes not) or `strict`.
    """

    names: tuple[str, ...]
    base_count: int
    protocol: str


def known_names(split: Split) -> MiningNames:
    """The split's base and novel names, and no others."""
    return MiningNames(split.names, len(split.base), split.protocol("names known"))


def strict_names(split: Split, extra: Sequence[str]) -> MiningNames:
    """The base names and a list of the user's own, made without looking at the novel names.

    Raises:
        InputError: an extra name is a base name or comes twice.
    """
    for place, name in enumerate(extra):
        if name in split.base or name in extra[:place]:
            raise InputError(f"the extra names hold {name!r}, which is a base name or comes twice: remove it")
    return MiningNames((*split.base, *extra), len(split.base), split.protocol("strict"))


@dataclass(frozen=True)
class Proposals:
    """Boxes of one photo, best score first; K may be 0.

    Args:
        boxes_xyxy: float32 `(K, 4)`, absolute pixels of the photo.
        scores: float32 `(K,)`, by which the miner ranks: `certainty` in [0, ln C], or objectness in [0, 1].
        labels: int64 `(K,)`, most likely name of the enlarged crop, an index into the mining names.
        confidence: float32 `(K,)`, probability of that name, in (0, 1]; the weight in distillation.
        anchors: boxes that were in question.
        forwards: crops that went through the teacher.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    confidence: Tensor
    anchors: int
    forwards: int

    def __len__(self) -> int:
        return len(self.boxes_xyxy)


@dataclass(frozen=True)
class Judge:
    """The teacher as mining sees it: it encodes crops and knows the names.

    Args:
        encoder: cuts and encodes crops, and counts them.
        text: float32 `(C, D)`, L2-normalised embeddings of the mining names, base names first, on the CPU.
        base_count: how many of the names are base names.
    """

    encoder: BoxEncoder
    text: Tensor
    base_count: int

    @property
    def logit_scale(self) -> float:
        """Factor on cosines."""
        return self.encoder.teacher.logit_scale

    @property
    def knows_others(self) -> bool:
        """Whether a crop can be named otherwise than with a base name."""
        return len(self.text) > self.base_count
