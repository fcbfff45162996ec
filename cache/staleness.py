"""Describe how an artifact's recorded inputs differ from the current ones."""

import re
from collections.abc import Mapping
from typing import Any

_DIGEST = re.compile(r"^[0-9a-f]{32,}$")
_SHOWN = 6
_MISSING = object()


def describe_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Name the keys that differ between two trees of inputs, with their values.

    For instance `params.mine.nms_iou 0.7 -> 0.6, code ezsd/boxes.py changed, parent prepare was re-made`.
    At most six are named, the rest counted. Empty when nothing differs.
    """
    was, now = _leaves(old), _leaves(new)
    keys = [
        key for key in sorted(was.keys() | now.keys()) if was.get(key, _MISSING) != now.get(key, _MISSING)
    ]
    sentences = [_describe(key, was.get(key, _MISSING), now.get(key, _MISSING)) for key in keys]
    if len(sentences) > _SHOWN:
        sentences[_SHOWN:] = [f"and {len(sentences) - _SHOWN} more"]
    return ", ".join(sentences)


def _leaves(tree: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value:
            leaves |= _leaves(value, path)
        else:
            leaves[path] = value
    return leaves


def _describe(path: tuple[str, ...], old: Any, new: Any) -> str:
    kind, rest = path[0], ".".join(path[1:])
    if kind == "code":
        return f"code {rest} changed".replace("  ", " ")
    if kind == "parents":
        return f"parent {rest} was re-made"
    return f"{'.'.join(path)} {_value(old)} -> {_value(new)}"


def _value(value: Any) -> str:
    if value is _MISSING:
        return "(none)"
    if isinstance(value, str) and _DIGEST.match(value):
        return value[:8]
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
