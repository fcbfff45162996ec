"""The peak of memory, of the process and of its GPU."""

import pytest
import torch

from ezsd.pipeline.device import peak_memory


def test_a_peak_does_not_fall_and_sees_what_was_taken() -> None:
    before = peak_memory(torch.device("cpu"))
    taken = torch.ones(64 * 2**20, dtype=torch.uint8)
    after = peak_memory(torch.device("cpu"))
    assert list(after) == ["memory"]
    assert before["memory"] <= after["memory"]
    assert taken.numel() < after["memory"] < 2**40


def test_a_gpu_is_told_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 3 * 2**30)
    assert peak_memory(torch.device("cuda"))["GPU memory"] == 3 * 2**30
