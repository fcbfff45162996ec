"""Params as plain sections and keys, before validation."""

from typing import Any

from pydantic import ValidationError

from ezsd.pipeline.bounded_yaml import load_yaml
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
    node: Any = tree
    for part in parts[:-1]:
        if not isinstance(node, dict) or part not in node:
            raise ParamsError(f"--set {shown}: there is no section {part!r}")
        if node[part] is None:
            node[part] = {}
        node = node[part]
    if not isinstance(node, dict):
        raise ParamsError(f"--set {shown}: {'.'.join(parts[:-1])} holds a value, not keys")
    try:
        node[parts[-1]] = load_yaml(value)
    except ValueError as error:
        raise ParamsError(f"--set {shown}: the value is not YAML ({error})") from None


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
