"""Params as plain trees."""

from collections.abc import Mapping
from typing import Any


def merge(tree: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Sets the keys of `changes` in `tree`, in place, section by section, and returns it."""
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), dict):
            merge(tree[key], value)
        else:
            tree[key] = value
    return tree
