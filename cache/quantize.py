"""Embeddings in a byte a dimension: int8 with one scale a row."""

import numpy as np

_LARGEST = 127


def quantize_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of floats (..., D) to int8 (..., D) and their scales float32 (...): row = int8 * scale.

    The scale maps the row's largest magnitude to 127, so that directions hardly change. A zero row has
    scale 0.
    """
    exact = rows.astype(np.float32)
    scales = np.abs(exact).max(axis=-1, initial=0.0) / np.float32(_LARGEST)
    divisors = np.where(scales > 0, scales, np.float32(1))
    return np.clip(np.rint(exact / divisors[..., None]), -_LARGEST, _LARGEST).astype(np.int8), scales


def dequantize_rows(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The inverse of `quantize_rows`: int8 (..., D) and scales (...) to float32 (..., D)."""
    return codes.astype(np.float32) * scales.astype(np.float32)[..., None]
