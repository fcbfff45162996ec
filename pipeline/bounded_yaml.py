"""YAML from a file or a user: plain values of bounded depth and size, aliases expanded."""

from typing import Any

import yaml

DEEPEST = 50
"""Maximum levels of nesting."""

MOST = 100_000
"""Maximum number of values; an aliased value counts each time it is repeated."""


def load_yaml(text: str) -> Any:
    """Parse a YAML text into plain values.

    Raises:
        ValueError: the text is not YAML, or is too deep or too large; names the line where it is known.
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
    """Number of values in a node. `counted` caches it by node id; 0 marks a node still being counted."""
    if id(node) in counted:
        if not counted[id(node)]:
            raise ValueError("an alias holds itself")
        return counted[id(node)]
    counted[id(node)] = 0
    children = node.value if isinstance(node, yaml.CollectionNode) else ()
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    counted[id(node)] = 1 + sum(_values(part, counted) for part in parts)
    return counted[id(node)]
