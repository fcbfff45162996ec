"""From a teacher's files, or your own factory, to the network."""

import sys
from collections.abc import Callable
from importlib import import_module
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
from ezsd.teacher.open_clip_teacher import (
    OpenClipTeacher,
    load_tokenizer,
    preprocessing,
    require_vocabulary,
)
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import TeacherSource


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


def embedding_size(source: TeacherSource) -> int:
    """Length D of an embedding, from the config of the architecture; a factory's teacher is made for it.

    Raises as `load_teacher`.
    """
    if source.factory is not None:
        return load_from_factory(source.factory).dim
    return int(_configs(source)[0]["embed_dim"])


def _configs(source: TeacherSource) -> tuple[dict[str, Any], dict[str, Any]]:
    """The architecture, and its preprocessing."""
    if source.config_text is not None:
        return parse_config(source.config_text, source.model)
    return architecture_config(source.model), preprocessing(source.model)


def _load_open_clip(source: TeacherSource) -> OpenClipTeacher:
    config, preprocess = _configs(source)
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
    require_vocabulary(config, tokenizer, source.model)
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
