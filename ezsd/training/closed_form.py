"""A box head that begins with what can be solved: a ridge regression onto the teacher's embeddings.

Not the paper's. Most of what a short training learns of the cached embeddings is linear in the features of a
pretrained body, and that part needs no steps.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from ezsd.detector.detector import ZeroShotDetector
from ezsd.training.dataset import Example

RIDGE = 0.1
"""Penalty on squared weights, in units of the mean square of a feature."""


@torch.no_grad()
def start_in_closed_form(detector: ZeroShotDetector, examples: Iterable[Example]) -> None:
    """Solve for the cached embeddings of boxes from what the head sees of them, and let it begin there.

    Boxes weigh what they weigh in the distillation loss. There is no gradient and no other change.

    Args:
        detector: before its first step.
        examples: photos with their targets.

    Raises:
        InputError: the head is too narrow.
    """
    heads, device = detector.roi_heads, next(detector.parameters()).device
    squares = products = torch.zeros((), dtype=torch.float64, device=device)
    detector.train()
    for photo, target in examples:
        on_device = {key: value.to(device) for key, value in target.items()}
        images, (moved,) = detector.transform([photo.to(device)], [on_device])
        shared = heads.pool(detector.backbone(images.tensors), [moved["distill_boxes"]])
        rows = _with_one(heads.box_head.flat_features(shared)).double()
        weighted = rows * moved["distill_weights"][:, None]
        squares = squares + weighted.T @ rows
        products = products + weighted.T @ F.normalize(moved["distill_embeddings"], dim=1).double()
    penalty = torch.full_like(squares[0], RIDGE * float(squares.diagonal()[:-1].mean()))
    penalty[-1] = 0  # of the constant
    solved = torch.linalg.solve(squares + torch.diag(penalty), products).float()
    heads.box_head.start_linear(solved[:-1].T, solved[-1])


def _with_one(rows: Tensor) -> Tensor:
    return F.pad(rows, (0, 1), value=1.0)
