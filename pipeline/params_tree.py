"""A params file as plain sections and keys, before they are checked."""

from typing import Any

import yaml

from pipeline.errors import ParamsError


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """The sections of a params file, unchecked. Raises ParamsError for broken YAML or none."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        place = f" line {where.line + 1}" if where is not None else ""
        raise ParamsError(
            f"{source}{place} is not YAML: correct it or write a new one with `ezsd-cli init`"
        ) from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{source} holds no sections: write a new one with `ezsd-cli init`")
    return tree


def apply_override(tree: dict[str, Any], override: str) -> None:
    """Set `section.key=value` in place; its value is YAML. Raises ParamsError for another form or section."""
    key, equals, value = override.partition("=")
    parts = key.strip().split(".")
    if not equals or len(parts) < 2 or not all(parts):
        raise ParamsError(f"--set {override!r} is not of the form section.key=value")
    node: Any = tree
    for part in parts[:-1]:
        if not isinstance(node, dict) or part not in node:
            raise ParamsError(f"--set {override!r}: there is no section {part!r}")
        if node[part] is None:
            node[part] = {}
        node = node[part]
    if not isinstance(node, dict):
        raise ParamsError(f"--set {override!r}: {'.'.join(parts[:-1])} holds a value, not keys")
    try:
        node[parts[-1]] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ParamsError(f"--set {override!r}: the value is not YAML") from None
