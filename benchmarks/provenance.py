"""Where a number comes from: the machine, without its name, and the commit."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

from ezsd.pipeline.device import count_workers
from ezsd.pipeline.params import RunParams

REPOSITORY = Path(__file__).resolve().parent.parent
_MADE_BY_BENCHMARKS = (
    "benchmarks/results",
    "docs/benchmarks.md",
    "docs/full-size.md",
    "docs/results.md",
    "docs/ablation.svg",
    "docs/mining.svg",
)


@dataclass(frozen=True)
class Machine:
    """The machine of a run.

    Attributes:
        cpu: its model.
        cores: available to this process.
        memory_gib: of the machine.
        gpu: its model; None if there is none.
        python, torch: versions.
    """

    cpu: str
    cores: int
    memory_gib: float
    gpu: str | None
    python: str
    torch: str

    def __str__(self) -> str:
        gpu = f", {self.gpu}" if self.gpu else ""
        return f"{self.cpu}, {self.cores} cores, {self.memory_gib:g} GiB{gpu}, torch {self.torch}"


@dataclass(frozen=True)
class Revision:
    """The code that ran.

    Attributes:
        commit: its id; None outside a git clone.
        dirty: whether the working tree differed from it, except for results of benchmarks.
    """

    commit: str | None
    dirty: bool

    def __str__(self) -> str:
        return f"{(self.commit or 'unknown')[:10]}{' and changes' if self.dirty else ''}"


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=_cpu_model(),
        cores=count_workers(RunParams(workers=0, device="cpu")),
        memory_gib=round(memory / 2**30, 1),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        python=platform.python_version(),
        torch=torch.__version__,
    )


def this_revision() -> Revision:
    """Return the commit of the project's working tree."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return Revision(None, False)
    others = [f":(exclude){path}" for path in _MADE_BY_BENCHMARKS]
    return Revision(commit, bool(_git("status", "--porcelain", "--", ".", *others)))


def _cpu_model() -> str:
    """Return the CPU's model name; its architecture on systems other than Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
