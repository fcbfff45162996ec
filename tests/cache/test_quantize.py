"""int8 rows keep their direction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ezsd.cache.quantize import dequantize_rows, expected_cosines, quantize_rows


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def test_by_hand() -> None:
    codes, scales = quantize_rows(np.array([[1.0, -0.5, 0.0], [0.0, 0.0, 0.0]], np.float32))
    assert codes.dtype == np.int8
    assert codes.tolist() == [[127, -64, 0], [0, 0, 0]]
    assert scales == pytest.approx([1 / 127, 0])
    assert dequantize_rows(codes, scales)[0] == pytest.approx([1.0, -64 / 127, 0.0])


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float16, np.float32]), st.sampled_from([2, 64, 512]))
def test_little_cosine_is_lost(seed: int, dtype: type, dim: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(7, dim))
    rows = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(dtype)
    back = dequantize_rows(*quantize_rows(rows))
    assert back.dtype == np.float32
    assert (cosine(rows.astype(np.float32), back) > 0.9995).all()


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=3), elements=st.floats(-1e4, 1e4, width=32))
)
def test_error_is_at_most_half_a_step(rows: np.ndarray) -> None:
    codes, scales = quantize_rows(rows)
    assert (np.abs(dequantize_rows(codes, scales) - rows) <= scales[..., None] * 0.501 + 1e-37).all()


def test_no_rows() -> None:
    codes, scales = quantize_rows(np.zeros((0, 512), np.float16))
    assert codes.shape == (0, 512)
    assert dequantize_rows(codes, scales).shape == (0, 512)


@pytest.mark.parametrize("outlier", [1, 10, 30, 60])
def test_the_cosine_is_estimated_from_the_codes_alone(outlier: float) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 512)).astype(np.float32)
    rows[:, 0] = outlier
    codes, scales = quantize_rows(rows)
    lost = 1 - cosine(rows.astype(np.float64), dequantize_rows(codes, scales).astype(np.float64)).mean()
    assert 1 - expected_cosines(codes).mean() == pytest.approx(lost, rel=0.05)


def test_a_zero_row_keeps_its_cosine() -> None:
    assert expected_cosines(np.zeros((2, 4), np.int8)).tolist() == [1, 1]
    assert expected_cosines(np.array([3, 4, 0], np.int8)) == pytest.approx((1 + 0.25 / 25) ** -0.5)
