"""The memory of the process and of its GPU."""

import platform
import subprocess
import sys

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


_FRESH_PAGES = """
import resource, torch
from ezsd.pipeline.device import keep_freed_memory
{call}
def ones(): torch.ones(16 * 2**20)
for _ in range(4): ones()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8): ones()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def fresh_pages(call: str) -> int:
    """Pages that a process gets from the system while it makes and drops eight equal tensors."""
    script = _FRESH_PAGES.format(call=call)
    return int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is set")
def test_freed_memory_is_used_again() -> None:
    # not in each: where the heap meets a library, which the system places at random, it goes on elsewhere
    assert fresh_pages("keep_freed_memory()") < fresh_pages("") / 2
