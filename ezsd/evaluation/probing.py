"""Linear classifiers of novel names from cached embeddings (not the paper's: LP-OVOD, arXiv 2310.17109)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ezsd.evaluation.config import ProbingConfig

STEPS = 200
LEARNING_RATE = 0.01
"""Of Adam, on all examples at once; a direction has turned as far as it will after about half the steps."""


def best_of_each_name(labels: Tensor, ranks: Tensor, most: int) -> Tensor:
    """Rows of the `most` highest ranks of each label, int64 `(M,)`, by label and then best first.

    Args:
        labels: int64 `(N,)`.
        ranks: float `(N,)`; of equal ones the first row counts as higher.
        most: rows of a label.
    """
    by_rank = ranks.argsort(descending=True, stable=True)
    rows = by_rank[labels[by_rank].argsort(stable=True)]
    _, counts = labels[rows].unique_consecutive(return_counts=True)
    starts = (counts.cumsum(0) - counts).repeat_interleave(counts)
    return rows[torch.arange(len(rows)) - starts < most]


def probe_novel_names(
    text: Tensor,
    base_count: int,
    embeddings: Tensor,
    labels: Tensor,
    logit_scale: float,
    config: ProbingConfig,
    steps: int = STEPS,
) -> Tensor:
    """Turn the text embeddings of novel names towards their boxes, against all other names.

    Softmax cross-entropy of the scaled cosines, as the teacher names a crop, plus `config.pull` times the
    mean squared distance from the text. Base names keep their text, and so do novel names without a box.

    Args:
        text: `(C, D)` of all names, base first; L2-normalised.
        base_count: number of base names.
        embeddings: `(N, D)` of boxes, L2-normalised; N may be 0.
        labels: int64 `(N,)`, index into the names.
        logit_scale: factor on the cosines.
        config: how much the text counts.
        steps: of the optimizer.

    Returns:
        float32 `(C, D)`, L2-normalised: the weights of a classifier of the same names.
    """
    probed = labels[labels >= base_count].unique()
    if not len(probed):
        return text
    fixed = torch.ones(len(text), dtype=torch.bool)
    fixed[probed] = False
    others = (logit_scale * embeddings @ text[fixed].T).logsumexp(dim=1)
    of_text = logit_scale * (embeddings * text[labels]).sum(dim=1)
    column = torch.full((len(text),), -1)
    column[probed] = torch.arange(len(probed))
    mine = column[labels]
    move = torch.zeros_like(text[probed], requires_grad=True)
    optimizer = torch.optim.Adam([move], lr=LEARNING_RATE)
    for _ in range(steps):
        logits = logit_scale * embeddings @ F.normalize(text[probed] + move, dim=1).T
        own = torch.where(mine >= 0, logits.gather(1, mine.clamp(min=0)[:, None])[:, 0], of_text)
        loss = (torch.logaddexp(others, logits.logsumexp(dim=1)) - own).mean()
        optimizer.zero_grad()
        (loss + config.pull * move.square().sum(dim=1).mean()).backward()
        optimizer.step()
    weights = text.clone()
    weights[probed] = F.normalize(text[probed] + move.detach(), dim=1)
    return weights
