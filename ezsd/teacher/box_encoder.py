"""Boxes of a photo to teacher embeddings, in batches that fit the memory."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ezsd.crops import square_crops
from ezsd.teacher.protocol import Teacher

logger = logging.getLogger(__name__)

MULTI_CROP_ENLARGES = (1.0, 1.5)
"""ViLD's two views of a box."""


@dataclass
class BoxEncoder:
    """Cuts boxes out of photos and sends the crops through the image tower.

    A batch never holds crops of two photos, so that an embedding does not depend on what else is encoded.
    When memory runs out, the batch is halved for good, which the log says.

    Args:
        teacher: frozen; decides the device.
        batch: crops that go through the tower at once.
        forwards: crops encoded so far.
    """

    teacher: Teacher
    batch: int
    forwards: int = 0

    @torch.inference_mode()
    def encode(self, photo: Tensor, boxes_xyxy: Tensor, enlarge: float) -> Tensor:
        """Embeddings of boxes, float32 `(N, D)` on the CPU, L2-normalised; N may be 0.

        Args:
            photo: uint8 `(3, H, W)` RGB.
            boxes_xyxy: `(N, 4)` absolute pixels of the photo.
            enlarge: factor about the box's centre.
        """
        photo = photo.to(self.teacher.device)
        parts: list[Tensor] = [torch.empty((0, self.teacher.dim))]
        start = 0
        while start < len(boxes_xyxy):
            group = boxes_xyxy[start : start + self.batch]
            encoded = self._try(partial(self._encode_batch, photo, group, enlarge))
            if encoded is not None:
                parts.append(encoded)
                start += len(group)
        self.forwards += len(boxes_xyxy)
        return torch.cat(parts)

    def encode_multi(self, photo: Tensor, boxes_xyxy: Tensor) -> Tensor:
        """ViLD's embedding: the normalised sum of those of the 1x and the 1.5x crop, `(N, D)`."""
        views = [self.encode(photo, boxes_xyxy, enlarge) for enlarge in MULTI_CROP_ENLARGES]
        return normalize(torch.stack(views).sum(dim=0), dim=-1)

    def _encode_batch(self, photo: Tensor, boxes_xyxy: Tensor, enlarge: float) -> Tensor:
        crops = square_crops(photo, boxes_xyxy, enlarge, self.teacher.image_size)
        return self.teacher.encode_images(self.teacher.pixels(crops)).float().cpu()

    def _try(self, work: Callable[[], Tensor]) -> Tensor | None:
        """The result, or None after the batch was halved for want of memory."""
        try:
            return work()
        except RuntimeError as error:
            if self.batch == 1 or not is_out_of_memory(error):
                raise
        self.batch //= 2
        logger.warning("out of memory: going on with batches of %d crops", self.batch)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch could not get memory on a GPU or the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
