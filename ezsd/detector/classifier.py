"""A classifier whose weights are text embeddings, so that its names are an argument."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ezsd.errors import InputError

CLIP_TEMPERATURE = 100.0
"""The factor that OpenAI's CLIP ended its training with; others' differ."""


class TextClassifier(nn.Module):
    """Cosines with frozen text embeddings and a learned background vector, times a learned factor.

    The background is not normalised, and there is no bias (docs/method.md, section 5).
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
        """Replace the names by text embeddings `(C, D)`, which are L2-normalised here.

        Raises:
            InputError: C is 0, or D is not the classifier's.
        """
        dim = self.text_embeddings.shape[1]
        if text_embeddings.ndim != 2 or len(text_embeddings) == 0 or text_embeddings.shape[1] != dim:
            raise InputError(f"a vocabulary has shape (C >= 1, {dim}), got {tuple(text_embeddings.shape)}")
        self.text_embeddings = F.normalize(text_embeddings.detach().to(self.log_temperature), dim=1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """From L2-normalised embeddings `(R, D)` to logits, float32 `(R, 1 + C)`, background first."""
        columns = torch.cat([self.background[None], self.text_embeddings])
        # bfloat16 is too coarse for cosines that are multiplied by about 100
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.log_temperature.exp() * embeddings.float() @ columns.T

    def text_of(self, labels: Tensor) -> Tensor:
        """Text embeddings `(R, D)` of labels `(R,)` in 0..C; zeros for background, label 0."""
        zeros = self.text_embeddings.new_zeros(1, self.text_embeddings.shape[1])
        return torch.cat([zeros, self.text_embeddings])[labels]


class ObjectnessClassifier(TextClassifier):
    """Names compete among themselves, times a separate choice between object and background.

    The release's classifier on LVIS: objectness is two learned outputs, to which no temperature applies.
    """

    def __init__(self, embedding_dim: int, temperature: float = CLIP_TEMPERATURE) -> None:
        super().__init__(embedding_dim, temperature)
        del self.background
        self.objectness = nn.Linear(embedding_dim, 2)

    def forward(self, embeddings: Tensor) -> Tensor:
        """As `TextClassifier.forward`; the logits are logarithms of probabilities that add up to 1."""
        with torch.autocast(embeddings.device.type, enabled=False):
            embeddings = embeddings.float()
            names = (self.log_temperature.exp() * embeddings @ self.text_embeddings.T).log_softmax(dim=1)
            nothing, something = self.objectness(embeddings).log_softmax(dim=1).split(1, dim=1)
            return torch.cat([nothing, names + something], dim=1)


CLASSIFIERS = {"joint": TextClassifier, "separate": ObjectnessClassifier}
