"""Text embeddings as the classifier: what it can name is an argument."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ezsd.errors import InputError

CLIP_TEMPERATURE = 100.0
"""The factor that OpenAI's CLIP ended its training with; others' differ."""


class TextClassifier(nn.Module):
    """Cosines with frozen text embeddings and with a learned background, times a learned temperature.

    docs/method.md, section 5: the background is one vector that is not normalised, and nothing has a bias.
    """

    text_embeddings: Tensor

    def __init__(self, embedding_dim: int, temperature: float = CLIP_TEMPERATURE) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))
        self.background = nn.Parameter(torch.randn(embedding_dim) * 0.01)
        self.register_buffer("text_embeddings", torch.zeros(0, embedding_dim), persistent=False)

    def set_temperature(self, temperature: float) -> None:
        """Let the learned factor on cosines go on from this one."""
        nn.init.constant_(self.log_temperature, math.log(temperature))

    def set_vocabulary(self, text_embeddings: Tensor) -> None:
        """Classify among these (C, D) from now on; they are L2-normalised here.

        Raises InputError when there is no name or D is not the classifier's.
        """
        dim = self.background.shape[0]
        if text_embeddings.ndim != 2 or len(text_embeddings) == 0 or text_embeddings.shape[1] != dim:
            raise InputError(f"a vocabulary has shape (C >= 1, {dim}), got {tuple(text_embeddings.shape)}")
        self.text_embeddings = F.normalize(text_embeddings.detach().to(self.background), dim=1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Unit embeddings (R, D) -> logits (R, 1 + C) float32, background first."""
        columns = torch.cat([self.background[None], self.text_embeddings])
        # in bfloat16 cosines that the temperature raises a hundredfold would be too coarse
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.log_temperature.exp() * embeddings.float() @ columns.T

    def text_of(self, labels: Tensor) -> Tensor:
        """Text embeddings (R, D) of labels (R,) in 0..C, with zeros for background, 0."""
        zeros = self.text_embeddings.new_zeros(1, self.text_embeddings.shape[1])
        return torch.cat([zeros, self.text_embeddings])[labels]
