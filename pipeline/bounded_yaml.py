"""YAML of someone else's making: plain values, neither deep nor large, whatever its aliases repeat."""

from typing import Any

import yaml

DEEPEST = 50
"""Levels of sections and lists in each other."""

MOST = 100_000
"""Values, each counted as often as its aliases repeat it."""


def load_yaml(text: str) -> Any:
    """The plain values of a YAML text.

    Raises ValueError that says what is wrong, with the line where that is known.
    """
    try:
        return yaml.load(text, _Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}{error.problem or error.context}") from None
    except (yaml.YAMLError, OverflowError, TypeError) as error:
        raise ValueError(" ".join(str(error).split())) from None


class _Loader(yaml.SafeLoader):
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self._depth == DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None and _values(node, {}) > MOST:
            raise ValueError(f"its aliases make more than {MOST:,} values of it")
        return node

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise ValueError(f"{value!r} is not valid Unicode") from None
        return value


def _values(node: yaml.Node, counted: dict[int, int]) -> int:
    """How many values a node stands for; `counted` holds those of nodes, 0 while one is being counted."""
    if id(node) in counted:
        if not counted[id(node)]:
            raise ValueError("an alias holds itself")
        return counted[id(node)]
    counted[id(node)] = 0
    children = node.value if isinstance(node, yaml.CollectionNode) else ()
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    counted[id(node)] = 1 + sum(_values(part, counted) for part in parts)
    return counted[id(node)]
