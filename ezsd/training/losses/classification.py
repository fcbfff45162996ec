"""Which name, or background, a region bears: softmax cross-entropy, and Seesaw for long tails."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ezsd.distributed import rows_a_process, sum_over_processes


class SoftmaxLoss(nn.Module):
    """Mean cross-entropy over regions; 0 with a gradient path when there is no region."""

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """`logits` (R, 1 + C), background first, and `labels` (R,) int64, 0 for background -> scalar."""
        return F.cross_entropy(logits, labels, reduction="sum") / rows_a_process(len(labels), labels.device)


class SeesawLoss(nn.Module):
    """Cross-entropy in which frequent names press less on rare ones (Seesaw loss, arXiv 2008.10032).

    Name j's share in the denominator of a region of name i is multiplied by
    `mitigation * compensation` with mitigation (N_j / N_i) ** p where j has been seen less often than i, and
    compensation (P_j / P_i) ** q where j is scored above i. N counts the regions seen so far,
    by all processes.
    Background takes no part in either: it is so frequent that it would silence every rare name.
    """

    seen: Tensor

    def __init__(self, names: int, mitigation_power: float = 0.8, compensation_power: float = 2.0) -> None:
        super().__init__()
        self.p, self.q = mitigation_power, compensation_power
        self.register_buffer("seen", torch.zeros(1 + names))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """As `SoftmaxLoss.forward`; counts the labels."""
        self.seen += sum_over_processes(torch.bincount(labels, minlength=len(self.seen)).to(self.seen))
        log_factors = self._mitigation(labels) + self._compensation(logits.detach(), labels)
        own = F.one_hot(labels, len(self.seen)).bool()
        background = torch.zeros_like(own)
        background[:, 0] = True
        background[labels == 0] = True
        log_factors = log_factors.masked_fill(own | background, 0.0)
        return F.cross_entropy(logits + log_factors, labels, reduction="sum") / rows_a_process(
            len(labels), labels.device
        )

    def _mitigation(self, labels: Tensor) -> Tensor:
        log_seen = self.seen.clamp(min=1).log()
        return self.p * (log_seen[None, :] - log_seen[labels][:, None]).clamp(max=0)

    def _compensation(self, logits: Tensor, labels: Tensor) -> Tensor:
        own_logits = logits.gather(1, labels[:, None])
        return self.q * (logits - own_logits).clamp(min=0)
