"""Errors that a user can fix. Each message is one sentence: what, where, and how to fix it."""

import reprlib
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


LONGEST = 300
"""Characters of a value, or of a word, that a message shows."""

_MESSAGE = 1200
"""Characters of a whole message; sentences of ours are shorter unless a file puts in what it likes."""

_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"

_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxstring, _repr.maxother, _repr.maxlong = 4, LONGEST, LONGEST, LONGEST


def shorten(text: str, longest: int = LONGEST) -> str:
    """A text for a message: in one line, and without its middle when it is longer than `longest`."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 105]} ... {line[-100:]}"


def show(value: object) -> str:
    """A value for a message, however deep or long it is."""
    return shorten(_repr.repr(value))


def sentence(error: BaseException | str) -> str:
    """An error's message, in one line and of bounded length; without control characters, also of files."""
    words = " ".join(shorten(word) for word in str(error).split())
    return shorten("".join(letter if letter.isprintable() else _UNPRINTABLE for letter in words), _MESSAGE)
