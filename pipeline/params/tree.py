"""Params as plain sections and keys, before validation: YAML of bounded depth and size, aliases expanded."""

from typing import Any

import yaml
from pydantic import ValidationError

from ezsd.pipeline.errors import ParamsError, shorten, show


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Parse the sections of a params file. Raises ParamsError for broken or empty YAML."""
    try:
        tree = load_yaml(text)
    except ValueError as error:
        raise ParamsError(
            f"{source} is not YAML ({error}): correct it or write a new one with `ezsd-cli init`"
        ) from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{source} holds no sections: write a new one with `ezsd-cli init`")
    return tree


def apply_override(tree: dict[str, Any], override: str) -> None:
    """Set `section.key=value` in place; the value is YAML. Raises ParamsError for any other form."""
    key, equals, value = override.partition("=")
    parts, shown = key.strip().split("."), repr(shorten(override))
    if not equals or len(parts) < 2 or not all(parts):
        raise ParamsError(f"--set {shown} is not of the form section.key=value")
    try:
        set_key(tree, key.strip(), load_yaml(value))
    except KeyError as error:
        raise ParamsError(f"--set {shown}: {error.args[0]}") from None
    except ValueError as error:
        raise ParamsError(f"--set {shown}: the value is not YAML ({error})") from None


def set_key(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set `section.key` in place. Raises KeyError when there is no such section."""
    node: Any = tree
    parts = key.split(".")
    for part in parts[:-1]:
        if not isinstance(node, dict) or part not in node:
            raise KeyError(f"there is no section {part!r}")
        if node[part] is None:
            node[part] = {}
        node = node[part]
    if not isinstance(node, dict):
        raise KeyError(f"{'.'.join(parts[:-1])} holds a value, not keys")
    node[parts[-1]] = value


def first_problem(error: ValidationError) -> str:
    """The first validation error with its key, and the number of further ones."""
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    # pydantic adds the branch of a union to the location
    key = ".".join(str(part) for part in first["loc"] if part not in ("OwnSplit", "str"))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "unexpected_keyword_argument":
        return f"unknown key {key!r}: remove it or correct its spelling{more}"
    if first["type"] == "missing":
        return f"key {key!r} is missing: add it, or compare with `ezsd-cli init --preset demo --print`{more}"
    got = "" if isinstance(first["input"], dict) else f", got {show(first['input'])}"
    where = f"{key}: " if key else ""
    return f"{where}{first['msg'].removeprefix('Value error, ')}{got}{more}"


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
