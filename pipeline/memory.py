"""How much memory the work has taken."""

import resource
import sys

import torch

_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of `ru_maxrss`: macOS counts bytes, Linux KiB."""


def peak_memory(device: torch.device) -> dict[str, int]:
    """Most bytes so far: `memory` of this process, and `GPU memory` that it held where `device` is one."""
    peak = {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT}
    if device.type == "cuda":
        peak["GPU memory"] = torch.cuda.max_memory_reserved(device)
    return peak
