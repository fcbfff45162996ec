"""Which teacher a user means: an open_clip architecture or config, and its weights on this machine."""

from importlib import resources
from pathlib import Path

import open_clip

from ezsd.errors import InputError
from ezsd.teacher.load import TeacherSource

BUNDLED_MODEL = "world-teacher"
"""The small CLIP that comes with the package."""

BUNDLED, RANDOM = "bundled", "random"
"""Weights that come with the package, or are drawn from a seed."""


def find_teacher(model: str, weights: str | None) -> TeacherSource:
    """What `ezsd.load_teacher` takes, resolved to files; its arguments are described there.

    Raises:
        InputError: something is not there.
    """
    if ":" in model:
        return TeacherSource(model, factory=model)
    if model == BUNDLED_MODEL and weights in (None, BUNDLED):
        return TeacherSource(model, bundled_config(), bundled_weights())
    if weights is None:
        raise InputError(f"{model} needs weights: give a tag such as 'openai', a file, or {RANDOM!r}")
    config = read_config(Path(model)) if model.endswith(".json") else None
    if weights == RANDOM:
        return TeacherSource(model, config)
    if Path(weights).suffix or Path(weights).is_file():
        return TeacherSource(model, config, weights_file=weights)
    return TeacherSource(model, weights_file=download_weights(model, weights), tag=weights)


def bundled_config() -> str:
    """JSON text of the bundled teacher's architecture."""
    return _asset(f"{BUNDLED_MODEL}.json").read_text(encoding="utf-8")


def bundled_weights() -> str:
    """File of the bundled teacher's weights."""
    return str(_asset(f"{BUNDLED_MODEL}.safetensors"))


def read_config(path: Path) -> str:
    """JSON text of an open_clip config. Raises InputError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read: give the path of an open_clip config") from None


def download_weights(model: str, tag: str) -> str:
    """The file of published weights, from open_clip's cache if it is there.

    Raises:
        InputError: there are no such weights, or they are not on this machine and cannot be fetched.
    """
    published = open_clip.get_pretrained_cfg(model, tag)
    if not published:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise InputError(f"open_clip knows no weights {tag!r} of {model}: it knows {known}")
    try:
        return str(open_clip.download_pretrained(published))
    except Exception as error:  # a hub client's network errors are of many kinds
        raise InputError(
            f"the weights {tag!r} of {model} are not on this machine and cannot be fetched "
            f"({type(error).__name__}): fetch them once with network, or give the path of a weights file"
        ) from error


def _asset(name: str) -> Path:
    return Path(str(resources.files("ezsd") / "assets" / name))
