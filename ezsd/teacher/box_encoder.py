"""From boxes of a photo to teacher embeddings, in batches that fit into memory."""

import logging
import sys
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ezsd.teacher.crops import square_crops
from ezsd.teacher.protocol import Teacher

logger = logging.getLogger(__name__)

MULTI_CROP_FACTORS = (1.0, 1.5)
"""Context factors of ViLD's two crops of a box (not the paper's)."""


@dataclass
class BatchLimit:
    """The largest batch that is known to fit into memory.

    Attributes:
        crops: images in it.
    """

    crops: int = sys.maxsize


_PROCESS = BatchLimit()
"""Memory belongs to the process, so its encoders share one limit."""


@dataclass
class BoxEncoder:
    """Cuts boxes out of photos and encodes the crops with the image tower.

    A batch never holds crops of two photos, so an embedding does not depend on other photos. When memory runs
    out, the batch is halved until it fits, for all encoders of the process, with a warning in the log.

    Attributes:
        teacher: frozen; decides the device.
        batch: crops that are encoded at once.
        forwards: number of crops encoded so far.
        limit: of the batch; shared by the process by default.
    """

    teacher: Teacher
    batch: int
    forwards: int = 0
    limit: BatchLimit = field(default_factory=lambda: _PROCESS)

    @torch.inference_mode()
    def encode(self, photo: Tensor, boxes_xyxy: Tensor, context_factor: float) -> Tensor:
        """Embeddings of boxes, float32 `(N, D)` on the CPU, L2-normalised; N may be 0.

        Args:
            photo: uint8 `(3, H, W)` RGB.
            boxes_xyxy: `(N, 4)` absolute pixels of the photo.
            context_factor: sides of the crop / sides of the box.
        """
        photo = photo.to(self.teacher.device)
        parts: list[Tensor] = [torch.empty((0, self.teacher.dim))]
        start = 0
        while start < len(boxes_xyxy):
            parts.append(self._encode_first(photo, boxes_xyxy[start:], context_factor))
            start += len(parts[-1])
        self.forwards += len(boxes_xyxy)
        return torch.cat(parts)

    def encode_multi(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """ViLD's embedding: the sum of those of the 1x and the 1.5x crop, normalised again, `(N, D)`."""
        views = [self.encode(photo, boxes_xyxy, factor) for factor in MULTI_CROP_FACTORS]
        return normalize(torch.stack(views).sum(dim=0), dim=-1)

    def _encode_first(self, photo: Tensor, boxes_xyxy: Tensor, context_factor: float) -> Tensor:
        """Embeddings of the first boxes: as many as a batch that fits into memory holds."""
        wanted = size = min(self.batch, self.limit.crops, len(boxes_xyxy))
        while (encoded := self._try_batch(photo, boxes_xyxy[:size], context_factor)) is None:
            size //= 2
        if size < wanted:
            self.limit.crops = size
            logger.warning("out of memory with a batch of %d crops: going on with %d at once", wanted, size)
        return encoded

    def _try_batch(self, photo: Tensor, boxes_xyxy: Tensor, context_factor: float) -> Tensor | None:
        """Embeddings of the boxes, or None if they do not fit; a single box that does not fit is an error."""
        try:
            crops = square_crops(photo, boxes_xyxy, context_factor, self.teacher.image_size)
            return self.teacher.encode_images(self.teacher.pixels(crops)).float().cpu()
        except RuntimeError as error:
            if len(boxes_xyxy) == 1 or not is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch ran out of memory on a GPU or the CPU."""
    message = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "out of memory" in message
        or "ALLOC_FAILED" in message
        or "can't allocate memory" in message
    )
