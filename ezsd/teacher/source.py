"""Which teacher is meant: from a model's name and its weights to files. Loads no network."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ezsd.errors import InputError
from ezsd.network import impatient

BUNDLED_MODEL = "world-teacher"
"""The small CLIP that is part of the package."""

BUNDLED, RANDOM = "bundled", "random"
"""Names of weights: part of the package, or drawn from a seed."""


@dataclass(frozen=True)
class TeacherSource:
    """Which teacher is meant, resolved to files.

    Attributes:
        model: architecture name such as `ViT-B-32`; only a label when `config_text` is given.
        config_text: JSON text of your own open_clip config, or None.
        weights_file: path of a safetensors file or state dict, or None for random weights.
        tag: open_clip's name for the published weights in that file, or None.
        seed: of the random weights.
        factory: `package.module:function` that returns a `Teacher` and replaces all of the above, or None.
    """

    model: str
    config_text: str | None = None
    weights_file: str | None = None
    tag: str | None = None
    seed: int = 0
    factory: str | None = None


def find_teacher(model: str, weights: str | None) -> TeacherSource:
    """Resolve a model and its weights, as `ezsd.load_teacher` takes them, to files.

    Raises:
        InputError: a config or weights cannot be found.
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
    """JSON text of the bundled teacher's config."""
    return _asset(f"{BUNDLED_MODEL}.json").read_text(encoding="utf-8")


def bundled_weights() -> str:
    """Path of the bundled teacher's weights."""
    return str(_asset(f"{BUNDLED_MODEL}.safetensors"))


def read_config(path: Path) -> str:
    """JSON text of an open_clip config; raises InputError when the file cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read: give the path of an open_clip config") from None


def download_weights(model: str, tag: str) -> str:
    """Path of published weights in open_clip's cache, after a download if needed.

    Raises:
        InputError: there are no such weights, or they are neither in the cache nor can be downloaded.
    """
    with impatient():
        import open_clip  # slow to import, and other weights need none of it

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
