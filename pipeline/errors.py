"""Errors that a user can fix. Each message is one sentence: what is wrong, where, and how to fix it."""

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager

from ezsd.errors import InputError


class PipelineError(RuntimeError):
    """A run cannot continue."""


class ParamsError(PipelineError):
    """`params.yaml` or a `--set` override is wrong; the message names the key."""


class DataError(PipelineError):
    """An input file is missing, broken or contradicts itself; the message names the file and the id."""


@contextmanager
def at_key(key: str) -> Iterator[None]:
    """Prefix the message of an `InputError` with the params key."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{key}: {error}") from error


LONGEST = 300
"""Maximum characters of a value, or of a word, in a message."""

_MESSAGE = 1200
"""Maximum characters of a message; only text taken from a file can make one longer."""

_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxstring, _repr.maxother, _repr.maxlong = 4, LONGEST, LONGEST, LONGEST


def shorten(text: str, longest: int = LONGEST) -> str:
    """Put a text on one line, and cut out its middle if it is longer than `longest` characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 105]} ... {line[-100:]}"


def show(value: object) -> str:
    """Format a value of any depth and length for a message."""
    return shorten(_repr.repr(value))


def sentence(error: BaseException | str) -> str:
    """Format an error as one line of bounded length, without control characters."""
    words = " ".join(shorten(word) for word in str(error).split())
    return shorten("".join(letter if letter.isprintable() else _UNPRINTABLE for letter in words), _MESSAGE)
