"""Embeddings in one byte per dimension: int8 with one scale per row."""

import numpy as np

_LARGEST = 127


def quantize_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantize floats (..., D) to int8 (..., D) and scales float32 (...): row = int8 * scale.

    The scale maps the row's largest magnitude to 127, so that directions hardly change. A zero row has
    scale 0.
    """
    exact = rows.astype(np.float32)
    scales = np.abs(exact).max(axis=-1, initial=0.0) / np.float32(_LARGEST)
    divisors = np.where(scales > 0, scales, np.float32(1))
    return np.clip(np.rint(exact / divisors[..., None]), -_LARGEST, _LARGEST).astype(np.int8), scales


def dequantize_rows(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Restore float32 (..., D) from int8 (..., D) and scales (...): the inverse of `quantize_rows`."""
    return codes.astype(np.float32) * scales.astype(np.float32)[..., None]


def expected_cosines(codes: np.ndarray) -> np.ndarray:
    """Estimate the cosine of each row of codes (..., D) with the floats it was made from; float64 (...).

    Rounding errors are taken as uniform: D / 12 in all, beside the squared length of the codes. A row with
    one very large dimension has small codes elsewhere, and a lower cosine. A zero row has cosine 1.
    """
    squares = (codes.astype(np.float64) ** 2).sum(axis=-1)
    errors = np.where(squares > 0, codes.shape[-1] / 12 / np.maximum(squares, 1), 0.0)
    return 1 / np.sqrt(1 + errors)
