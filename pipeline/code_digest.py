"""Which of the project's modules a stage leans on, found from its imports, and their digest.

An artifact depends on the code that made it. Listing that code by hand is forgotten sooner or later, so it
is read from the import statements: the closure of a stage's module over the project's own packages.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

import ezsd

PACKAGE = "ezsd"

# How a run is steered, shown and resumed cannot change an artifact's bytes.
STEERING = frozenset(
    f"ezsd.pipeline.{name}"
    for name in (
        "code_digest",
        "device",
        "errors",
        "executor",
        "interrupt",
        "memory",
        "params",
        "params.presets",
        "params.sections",
        "params.teacher",
        "params.tree",
        "processes",
        "progress",
        "runner",
        "stage",
        "step_logs",
    )
)


def source_root() -> Path:
    """The folder that holds the package `ezsd`."""
    return Path(ezsd.__file__).parent.parent


@cache
def code_files(*modules: str) -> tuple[str, ...]:
    """Sources that `modules` import, themselves included: sorted POSIX paths under :func:`source_root`."""
    seen: set[str] = set()
    todo = sorted(set[str]().union(*map(_ancestry, modules)))
    while todo:
        name = todo.pop()
        if name in seen or name in STEERING:
            continue
        seen.add(name)
        todo.extend(_imports(name))
    return tuple(sorted(_path(name).relative_to(source_root()).as_posix() for name in seen))


@cache
def code_digest(*modules: str) -> str:
    """SHA-256 over names and contents of :func:`code_files`."""
    digest = hashlib.sha256()
    for name in code_files(*modules):
        digest.update(name.encode() + b"\0" + (source_root() / name).read_bytes() + b"\0")
    return digest.hexdigest()


def _path(module: str) -> Path:
    base = source_root().joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _imports(module: str) -> set[str]:
    path = _path(module)
    is_package = path.name == "__init__.py"
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found |= _ancestry(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, is_package, node)
            found |= _ancestry(base)
            for alias in node.names:
                found |= _ancestry(f"{base}.{alias.name}")
    return {name for name in found if name.split(".")[0] == PACKAGE and _path(name).is_file()}


def _absolute(module: str, is_package: bool, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".") if is_package else module.split(".")[:-1]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def _ancestry(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[: n + 1]) for n in range(len(parts))}
