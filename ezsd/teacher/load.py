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
"""The small CLIP that comes with the package."""

BUNDLED, RANDOM = "bundled", "random"
"""Weights that come with the package, or are drawn from a seed."""


@dataclass(frozen=True)
class TeacherSource:
    """Everything that says which teacher is meant, resolved to what is on this machine.

    Args:
        model: architecture name, for instance `ViT-B-32`; a mere label when `config_text` is given.
        config_text: JSON text of an open_clip config of one's own, or None.
        weights_file: safetensors or state dict for open_clip to open, or None for random weights.
        tag: open_clip's name of the published weights in that file, or None.
        seed: draws the random weights.
        factory: `package.module:function` that returns a `Teacher`, in place of all of the above, or None.
    """

    model: str
    config_text: str | None = None
    weights_file: str | None = None
    tag: str | None = None
    seed: int = 0
    factory: str | None = None


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


def load_teacher(source: TeacherSource) -> Teacher:
    """The raw teacher on the CPU, in eval mode and frozen.

    Raises:
        InputError: an unknown architecture, an unreadable config or weights file, weights of another
            architecture, a factory that cannot be called or returns no teacher.
    """
    if source.factory is not None:
        return load_from_factory(source.factory)
    return _load_open_clip(source)


def load_from_factory(factory: str) -> Teacher:
    """Calls `package.module:function`, which takes nothing and returns a teacher."""
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
    """Params may come from others: what Python itself has makes no teacher, and may do harm when called."""
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
