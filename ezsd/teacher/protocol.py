"""The interface of a teacher; any class with it can be re-normalized, mine and embed."""

from collections.abc import Sequence
from typing import Protocol, Self, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Teacher(Protocol):
    """A frozen image tower and text tower that share one embedding space.

    Attributes:
        image_size: side in pixels of the square crops that the image tower takes.
        dim: length D of an embedding.
        logit_scale: factor on cosines, its exponential already taken (100 for OpenAI's CLIP).
        logit_bias: added to the scaled cosines (SigLIP; 0 for CLIP).
        image_tower: the module whose norm layers see pixels.
        text_tower: the module whose norm layers see words; no layer of the image tower may be in it.

    Both towers are in evaluation mode and no parameter requires a gradient. The encoders record gradients
    unless the caller disables them, so that norm layers can be tuned.
    """

    image_size: int
    dim: int
    logit_scale: float
    logit_bias: float
    image_tower: nn.Module
    text_tower: nn.Module

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        ...

    def to(self, device: torch.device) -> Self:
        """Move all parameters in place and return the teacher."""
        ...

    def pixels(self, crops: Tensor) -> Tensor:
        """Prepare square RGB crops, uint8 `(N, 3, image_size, image_size)`, for the image tower.

        Returns:
            float32 of the same shape on the teacher's device, scaled and normalised.
        """
        ...

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Embeddings of normalised pixels: float32 `(N, D)`, L2-normalised."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embeddings of texts, without a prompt around them: float32 `(N, D)`, L2-normalised."""
        ...
