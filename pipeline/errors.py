"""Errors that a user can mend. Each message is one sentence: what, where, and the mend."""


class PipelineError(RuntimeError):
    """A run cannot go on."""


class ParamsError(PipelineError):
    """`params.yaml` or a `--set` override is wrong; the message names the key."""


class DataError(PipelineError):
    """An input file is missing, broken or contradicts itself; the message names the file and the id."""
