"""Classification of regions: softmax cross-entropy, and Seesaw for long tails (not the paper's)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ezsd.distributed import mean_rows, sum_over_processes


class SoftmaxLoss(nn.Module):
    """Mean cross-entropy over regions; 0 with a gradient path when there is no region."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            logits: `(R, 1 + C)`, background first.
            labels: int64 `(R,)` in 0..C, 0 for background.

        Returns:
            Scalar.
        """
        return F.cross_entropy(logits, labels, reduction="sum") / mean_rows(len(labels), labels.device)


class SeesawLoss(nn.Module):
    """Object or background, and names among objects with less pressure on rare ones (arXiv 2008.10032).

    Objectness is cross-entropy over all regions. Names compete on regions of objects alone: in the softmax of
    a region of name i, the term of name j is multiplied by a mitigation (N_j / N_i) ** p if j was seen less
    often than i, and by a compensation (P_j / P_i) ** q if j has a higher score than i. N counts the regions
    seen so far by all processes.
    """

    seen: Tensor

    def __init__(self, names: int, mitigation_power: float = 0.8, compensation_power: float = 2.0) -> None:
        super().__init__()
        self.p, self.q = mitigation_power, compensation_power
        self.register_buffer("seen", torch.zeros(names))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Same as `SoftmaxLoss.forward`; also counts the labels."""
        objects = labels > 0
        own = labels[objects] - 1
        self.seen += sum_over_processes(torch.bincount(own, minlength=len(self.seen)).to(self.seen))
        pair = torch.stack([logits[:, 0], logits[:, 1:].logsumexp(dim=1)], dim=1)
        names = logits[objects, 1:]
        log_factors = self._mitigation(own) + self._compensation(names.detach(), own)
        log_factors = log_factors.masked_fill(F.one_hot(own, len(self.seen)).bool(), 0.0)
        total = F.cross_entropy(pair, objects.long(), reduction="sum")
        total = total + F.cross_entropy(names + log_factors, own, reduction="sum")
        return total / mean_rows(len(labels), labels.device)

    def _mitigation(self, labels: Tensor) -> Tensor:
        log_seen = self.seen.clamp(min=1).log()
        return self.p * (log_seen[None, :] - log_seen[labels][:, None]).clamp(max=0)

    def _compensation(self, logits: Tensor, labels: Tensor) -> Tensor:
        own_logits = logits.gather(1, labels[:, None])
        return self.q * (logits - own_logits).clamp(min=0)
