"""Errors that a user can mend. Each message is one sentence: what, where, and the mend."""


class PipelineError(RuntimeError):
    """A run cannot go on."""


class ParamsError(PipelineError):
    """`params.yaml` or a `--set` override is wrong; the message names the key."""


class DataError(PipelineError):
    """An input file is missing, broken or contradicts itself; the message names the file and the id."""


LONGEST = 300
"""Characters of a value that a message shows."""


def shorten(text: str) -> str:
    """A text for a message: in one line, and without its middle when it is longer than `LONGEST`."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 103]} ... {line[-98:]}"
