"""What mining finds in one photo, and the recipe it follows."""

from dataclasses import dataclass

from torch import Tensor

from ezsd.teacher.box_encoder import BoxEncoder


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
class MineConfig:
    """The recipe (docs/method.md, section 3).

    Args:
        long_side, short_side: the grid lies over the photo resized to fit these.
        stride: of the grid, in pixels of the resized photo.
        scales: anchor side / stride.
        ratios: anchor height / width.
        nms_iou: of boxes that overlap more, the best is kept.
        best: boxes kept after that.
        base_iou: a proposal overlaps every base box by less.
        keep: proposals stored at most.
        enlarge: factor of the crop that is named and embedded.
    """

    long_side: int
    short_side: int
    stride: int
    scales: tuple[float, ...]
    ratios: tuple[float, ...]
    nms_iou: float
    best: int
    base_iou: float
    keep: int
    enlarge: float


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
