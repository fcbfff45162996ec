"""The box head: from a pooled region to an embedding for classification and a feature for regression."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

SHARED_CONVOLUTIONS = 3


class BoxHead(nn.Module):
    """3 shared convolutions, then 1 convolution and 2 linear layers each for classification and regression.

    docs/method.md, section 5. The classification branch ends in a projection to the teacher's dimension.
    """

    def __init__(
        self, in_channels: int, channels: int, width: int, roi_side: int, embedding_dim: int
    ) -> None:
        super().__init__()
        shared = [in_channels, *[channels] * SHARED_CONVOLUTIONS]
        self.shared = nn.Sequential(*(_convolution(i, o) for i, o in pairwise(shared)))
        self.classification = _branch(channels, width, roi_side)
        self.regression = _branch(channels, width, roi_side)
        self.projection = nn.Linear(width, embedding_dim)

    def embed(self, shared: Tensor) -> Tensor:
        """From shared features `(R, C, S, S)` to L2-normalised embeddings `(R, D)` in the teacher's space."""
        return F.normalize(self.projection(self.classification(shared)).float(), dim=1)


def _convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return nn.Sequential(convolution, nn.ReLU(inplace=True))


def _branch(channels: int, width: int, roi_side: int) -> nn.Sequential:
    return nn.Sequential(
        _convolution(channels, channels),
        nn.Flatten(start_dim=1),
        nn.Linear(channels * roi_side**2, width),
        nn.ReLU(inplace=True),
        nn.Linear(width, width),
        nn.ReLU(inplace=True),
    )
