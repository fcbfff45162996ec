"""From a model's name to the teacher: which files are meant, and the network built from them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import open_clip

from ezsd.errors import InputError
from ezsd.teacher.open_clip_build import (
    architecture_config,
    build_model,
    load_weights,
    parse_config,
    require_local,
)
from ezsd.teacher.open_clip_teacher import OpenClipTeacher, load_tokenizer, preprocessing
from ezsd.teacher.protocol import Teacher

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


def load_teacher(source: TeacherSource) -> Teacher:
    """Build the raw teacher: on the CPU, in evaluation mode, frozen.

    Raises:
        InputError: the architecture is unknown, the config or weights file is unreadable, the weights belong
            to another architecture, or the factory cannot be called or returns no teacher.
    """
    if source.factory is not None:
        return load_from_factory(source.factory)
    return _load_open_clip(source)


def load_from_factory(factory: str) -> Teacher:
    """Call `package.module:function`, which takes no argument and returns a teacher."""
    function = _find_function(factory)
    try:
        teacher = function()
    except Exception as error:  # it is the user's own code
        raise InputError(f"teacher factory {factory!r} failed ({type(error).__name__}: {error})") from error
    if not isinstance(teacher, Teacher):
        lacking = [name for name in _members() if not hasattr(teacher, name)]
        raise InputError(
            f"teacher factory {factory!r} returned a {type(teacher).__name__} without {', '.join(lacking)}: "
            "it must return what ezsd.teacher.protocol.Teacher describes"
        )
    teacher.image_tower.eval().requires_grad_(False)
    teacher.text_tower.eval().requires_grad_(False)
    return teacher


def _load_open_clip(source: TeacherSource) -> OpenClipTeacher:
    if source.config_text is not None:
        config, preprocess = parse_config(source.config_text, source.model)
    else:
        config, preprocess = architecture_config(source.model), preprocessing(source.model)
    if source.tag is not None:
        published = open_clip.get_pretrained_cfg(source.model, source.tag)
        preprocess = {**preprocess, **{key: published[key] for key in ("mean", "std") if key in published}}
        config["quick_gelu"] = published.get("quick_gelu", config.get("quick_gelu", False))
    if source.tag is None:
        require_local(config, source.model)
    model = build_model(config, source.seed)
    if source.weights_file is not None:
        load_weights(model, source.weights_file)
    tokenizer = load_tokenizer(source.model, config, fetch=source.tag is not None)
    return OpenClipTeacher(
        model, tokenizer, **{key: preprocess[key] for key in ("mean", "std") if key in preprocess}
    )


def _find_function(factory: str) -> Callable[[], Any]:
    module_name, colon, function_name = factory.partition(":")
    if not colon or not module_name or not function_name:
        raise InputError(f"teacher factory {factory!r} is not of the form package.module:function")
    _refuse_standard_library(factory, module_name)
    try:
        module = import_module(module_name)
    except Exception as error:  # ImportError, or whatever the module does on import
        raise InputError(f"teacher factory {factory!r}: the module cannot be imported ({error})") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError(f"teacher factory {factory!r}: {module_name} has no function {function_name!r}")
    _refuse_standard_library(factory, str(getattr(function, "__module__", "")))
    return function


def _refuse_standard_library(factory: str, module_name: str) -> None:
    """Raise InputError for functions of the standard library: params from others could do harm with them."""
    if module_name.split(".")[0] in sys.stdlib_module_names:
        raise InputError(
            f"teacher factory {factory!r} is of Python's standard library, which makes no teacher: name a "
            "function of your own"
        )


def _members() -> list[str]:
    fields = list(Teacher.__annotations__)
    return [*fields, "device", "to", "pixels", "encode_images", "encode_texts"]


def _asset(name: str) -> Path:
    return Path(str(resources.files("ezsd") / "assets" / name))
