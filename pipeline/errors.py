"""Errors that a user can mend. Each message is one sentence: what, where, and the mend."""

from collections.abc import Iterator
from contextlib import contextmanager

from ezsd.errors import InputError


class PipelineError(RuntimeError):
    """A run cannot go on."""


class ParamsError(PipelineError):
    """`params.yaml` or a `--set` override is wrong; the message names the key."""


class DataError(PipelineError):
    """An input file is missing, broken or contradicts itself; the message names the file and the id."""


@contextmanager
def at_key(key: str) -> Iterator[None]:
    """Put the key of the params before the message of an `InputError` that knows none."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{key}: {error}") from error
