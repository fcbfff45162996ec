"""Writes `docs/params.md` from the dataclasses: `python -m ezsd.pipeline.params.page > docs/params.md`."""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from ezsd.pipeline.params import Params

HEAD = """# Params

All keys of `params.yaml`. `python -m ezsd.pipeline.params.page` writes this page from the dataclasses that
check them. A missing key has its default, which is the paper's where the paper has one; a preset shows every
key. `--set train.schedule.epochs=6` overrides a key for one run. Unknown keys are errors.
"""
REQUIRED = "required"
WORDS: dict[Any, str] = {NoneType: "null", str: "text", Any: "any"}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Key(NamedTuple):
    """One row of a section's table."""

    name: str
    type: str
    default: str
    text: str


def params_page() -> str:
    """The page as Markdown."""
    return HEAD + "".join(_section(field.name, _part_of(hint) or hint) for field, hint in _fields_of(Params))


def _section(name: str, section: type) -> str:
    rows = [f"| `{key.name}` | {key.type} | {key.default} | {key.text} |" for key in _keys(section)]
    table = "\n".join(["| key | type | default | |", "|---|---|---|---|", *rows])
    return f"\n## {name}\n\n{_summary(section)}\n\n{table}\n"


def _keys(section: type, prefix: str = "") -> Iterator[Key]:
    """The keys of a section and of its parts; a part that may be null has a row of its own too."""
    described = _descriptions(section)
    for field, hint in _fields_of(section):
        name, part = f"{prefix}{field.name}", _part_of(hint)
        if part is None or _is_union(hint):
            yield Key(name, _type(hint), _default(field), _cell(described[field.name]))
        if part is not None:
            yield from _keys(part, f"{name}.")


def _fields_of(section: type) -> list[tuple["Field[Any]", Any]]:
    hints = get_type_hints(section, include_extras=True)
    return [(field, hints[field.name]) for field in fields(section)]


def _part_of(hint: Any) -> type | None:
    """The dataclass that a key holds, alone or as one of several."""
    found = [option for option in _options(hint) if isinstance(option, type) and is_dataclass(option)]
    return found[0] if found else None


def _is_union(hint: Any) -> bool:
    return len(_options(hint)) > 1


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _type(hint: Any) -> str:
    """A type in words, with its range: `int ≥ 1`, `list of float > 0`."""
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        return _type(plain) + _bounds(extras)
    if _is_union(hint):
        return " or ".join(_type(option) for option in _options(hint))
    if get_origin(hint) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return " to ".join(map(_type, get_args(hint)))
    if is_dataclass(hint):
        return "keys below"
    return WORDS.get(hint, hint.__name__)


def _bounds(extras: list[Any]) -> str:
    found = [
        f"{sign} {bound:g}"
        for extra in extras
        for limit in getattr(extra, "metadata", ())
        for name, sign in BOUNDS.items()
        if (bound := getattr(limit, name, None)) is not None and bound < 2**31
    ]
    return " " + ", ".join(found) if found else ""


def _default(field: "Field[Any]") -> str:
    if field.default_factory is not MISSING:
        return _code(field.default_factory())
    return REQUIRED if field.default is MISSING else _code(field.default)


def _code(value: Any) -> str:
    plain = TypeAdapter(Any).dump_python(value, mode="json")
    text = plain if isinstance(plain, str) else json.dumps(_short(plain))
    return f"`{text}`"


def _short(value: Any) -> Any:
    """Whole numbers without `.0`, others with at most four decimals."""
    if isinstance(value, list):
        return [_short(each) for each in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value


def _summary(section: type) -> str:
    """The docstring's first paragraph."""
    return " ".join((inspect.getdoc(section) or "").split("\n\n")[0].split())


def _descriptions(section: type) -> dict[str, str]:
    """Text of each key under `Attributes:` of the class or of its bases."""
    found: dict[str, str] = {}
    for base in reversed(section.__mro__):
        _, _, block = (inspect.cleandoc(base.__doc__ or "")).partition("Attributes:\n")
        for name, text in re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", block, re.MULTILINE):
            found[name] = " ".join(text.split())
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(params_page(), end="")
