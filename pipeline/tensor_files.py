"""Tensors on disk: safetensors files that are whole or not there, and checkpoints that belong to one run."""

import json
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import remove_file
from ezsd.cache.manifest import claimed_fingerprint
from ezsd.pipeline.stage import StageContext

CHECKPOINT = "checkpoint.safetensors"
"""What an interrupted training leaves to resume from; a finished one removes it."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all; the same tensors give the same bytes."""
    write_bytes_atomic(path, save(dict(tensors)))


def read_tensors(path: Path, mend: str) -> dict[str, Tensor]:
    """Read what `write_tensors` wrote.

    Raises:
        ArtifactError: it is missing or damaged; `mend` says what to run.
    """
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} is missing or damaged: {mend}") from error


class Checkpoint:
    """The state of an interrupted training in the folder of its stage.

    It holds a checksum, and the fingerprint of the artifact that was being made. One that is damaged, cut
    short or of another artifact is removed, with one sentence on standard error.

    Args:
        context: of the stage; of several processes the one that leads writes and removes.
        seconds: after which the next one is due.
    """

    def __init__(self, context: StageContext, seconds: float = 0.0) -> None:
        self._path, self._leads, self._seconds = context.folder / CHECKPOINT, context.processes.leads, seconds
        self._owner = claimed_fingerprint(context.folder) or ""
        self._saved = time.monotonic()

    def read(self) -> dict[str, Tensor] | None:
        """What was saved last; None when there is nothing to go on from."""
        if not self._path.is_file():
            return None
        try:
            return self._read()
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            if self._leads:
                print(
                    f"{self._path} is damaged or of another run: beginning anew", file=sys.stderr, flush=True
                )
            self.remove()
            return None

    def is_due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self._saved >= self._seconds

    def save(self, tensors: Mapping[str, Tensor]) -> None:
        """Replace the last one, whole or not at all."""
        if self._leads:
            checked = {"owner": self._owner, "sha256": _digest(tensors)}
            write_bytes_atomic(self._path, save(dict(tensors), checked))
        self._saved = time.monotonic()

    def remove(self) -> None:
        """The training is over, or must begin anew."""
        if self._leads:
            remove_file(self._path)

    def _read(self) -> dict[str, Tensor]:
        data = self._path.read_bytes()
        tensors, header_size = load(data), int.from_bytes(data[:8], "little")
        checked = json.loads(data[8 : 8 + header_size])["__metadata__"]
        if checked != {"owner": self._owner, "sha256": _digest(tensors)}:
            raise ValueError("not what was saved for this artifact")
        return tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
