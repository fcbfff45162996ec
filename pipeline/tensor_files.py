"""Tensors on disk: safetensors files, written whole or not at all, and checkpoints of one run."""

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
from ezsd.cache.checked import read_checked
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import remove_file
from ezsd.cache.writing import claimed_fingerprint
from ezsd.pipeline.stage import StageContext

CHECKPOINT = "checkpoint.safetensors"
"""File to resume an interrupted training from; removed at the end."""

UNREADABLE = (SafetensorError, ValueError, KeyError, TypeError)
"""Errors that a damaged safetensors file causes."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write a safetensors file, whole or not at all; the same tensors give the same bytes."""
    write_bytes_atomic(path, _sealed(tensors, {}))


def read_tensors(path: Path, fix: str) -> dict[str, Tensor]:
    """Read a file of `write_tensors`.

    Args:
        path: the file.
        fix: the end of an error's message: what to run.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    data = read_checked(path, fix)
    try:
        return _unsealed(data, {})
    except UNREADABLE as error:
        raise ArtifactError(f"{path} is damaged: {fix}") from error


class Checkpoint:
    """The saved state of an unfinished training, in the folder of its stage.

    It holds a checksum and the fingerprint of its artifact. A checkpoint that is damaged or of another
    artifact is removed, with a message on standard error.

    Args:
        context: of the stage; only the leader writes and removes files.
        seconds: minimum time between two checkpoints.
    """

    def __init__(self, context: StageContext, seconds: float = 0.0) -> None:
        self._path, self._leads, self._seconds = context.folder / CHECKPOINT, context.processes.leads, seconds
        self._owner = claimed_fingerprint(context.folder) or ""
        self._saved = time.monotonic()

    def read(self) -> dict[str, Tensor] | None:
        """The tensors that were saved last; None if there are none."""
        if not self._path.is_file():
            return None
        try:
            return _unsealed(self._path.read_bytes(), {"owner": self._owner})
        except (OSError, *UNREADABLE):
            if self._leads:
                print(
                    f"{self._path} is damaged or of another run: starting again", file=sys.stderr, flush=True
                )
            self.remove()
            return None

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._saved >= self._seconds

    def save(self, tensors: Mapping[str, Tensor]) -> None:
        """Replace the checkpoint, whole or not at all."""
        if self._leads:
            write_bytes_atomic(self._path, _sealed(tensors, {"owner": self._owner}))
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Remove the checkpoint."""
        if self._leads:
            remove_file(self._path)


def _sealed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with a checksum in it: a running stage has no manifest yet."""
    return save(dict(tensors), {**metadata, "sha256": _digest(tensors)})


def _unsealed(data: bytes, metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors of `_sealed` with the same metadata; raises one of `UNREADABLE` for anything else."""
    tensors, header_size = load(data), int.from_bytes(data[:8], "little")
    found = json.loads(data[8 : 8 + header_size])["__metadata__"]
    if found != {**metadata, "sha256": _digest(tensors)}:
        raise ValueError("checksum or owner differs")
    return tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
