"""How far re-normalization moved a norm layer."""

import numpy as np


def relative_change(
    gamma_before: np.ndarray, beta_before: np.ndarray, gamma_after: np.ndarray, beta_after: np.ndarray
) -> float:
    """Length of the move of (gamma, beta) over their length before; 0 when nothing moved.

    All arrays are float (C,). A layer whose parameters were all 0 has moved infinitely far if it moved.
    """
    before = np.concatenate([gamma_before, beta_before]).astype(np.float64)
    after = np.concatenate([gamma_after, beta_after]).astype(np.float64)
    moved, length = float(np.linalg.norm(after - before)), float(np.linalg.norm(before))
    if moved == 0:
        return 0.0
    return moved / length if length else float("inf")
