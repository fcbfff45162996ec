"""What is measured beside the average precision: the teacher's names for boxes, and what proposals cover."""

from dataclasses import dataclass

from torch import Tensor

from ezsd.boxes import max_iou_xyxy
from ezsd.mining.score import name_probabilities
from ezsd.teacher.box_encoder import BoxEncoder

COVERED_IOU = 0.5


@dataclass(frozen=True)
class BoxNamer:
    """A teacher that names boxes among C names.

    Attributes:
        encoder: encodes crops with the teacher's image tower.
        text_embeddings: float32 `(C, D)`, L2-normalised, on the CPU.
        context_factor: sides of the crop / sides of the box.
    """

    encoder: BoxEncoder
    text_embeddings: Tensor
    context_factor: float

    def name(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Index of the nearest name of each box, int64 `(N,)`.

        Args:
            photo: uint8 `(3, H, W)` RGB.
            boxes_xyxy: `(N, 4)` pixels of the photo; N may be 0.
        """
        embeddings = self.encoder.encode(photo, boxes_xyxy, self.context_factor)
        return (embeddings @ self.text_embeddings.T).argmax(dim=1)

    def probabilities(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """Probability of each name for each box, float32 `(N, C)`; arguments as for `name`."""
        embeddings = self.encoder.encode(photo, boxes_xyxy, self.context_factor)
        return name_probabilities(embeddings, self.text_embeddings, self.encoder.teacher.logit_scale)


def is_covered(objects_xyxy: Tensor, proposals_xyxy: Tensor) -> Tensor:
    """Whether some proposal of the same photo overlaps each object by an IoU of at least 0.5.

    Args:
        objects_xyxy: `(N, 4)` pixels.
        proposals_xyxy: `(P, 4)` pixels of the same frame.

    Returns:
        bool `(N,)`.
    """
    return max_iou_xyxy(objects_xyxy.double(), proposals_xyxy.double()) >= COVERED_IOU
