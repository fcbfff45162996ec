"""Digest of the code that a stage can reach.

An artifact depends on the code that made it. A list kept by hand would go out of date, so the code is found
from the import statements: all project modules that the given modules import, directly or not. A module's
digest covers its syntax tree, so comments, docstrings and formatting make no artifact stale, and the data
files beside it that it names, such as a page's template. Modules imported by name at run time have no import
statement: a stage lists them itself (`Stage.modules`).
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ezsd

PACKAGE = "ezsd"

# These control, show and resume a run and cannot change an artifact's bytes. The fingerprint holds the params
# separately.
STEERING = frozenset(
    f"ezsd.pipeline.{name}"
    for name in (
        "code_digest",
        "device",
        "errors",
        "executor",
        "interrupt",
        "params",
        "processes",
        "progress",
        "runner",
        "stage",
        "step_logs",
    )
)
"""Modules left out of the digest; a package stands for everything in it."""


def source_root() -> Path:
    """The folder that holds the package `ezsd`."""
    return Path(ezsd.__file__).parent.parent


def code_digest(*modules: str, root: Path | None = None) -> str:
    """SHA-256 over the names and digests of the :func:`reachable` modules."""
    root = root or source_root()
    digest = hashlib.sha256()
    for name in reachable(*modules, root=root):
        digest.update(f"{name} {_read(root, name).digest}\n".encode())
    return digest.hexdigest()


def reachable(*modules: str, root: Path | None = None) -> tuple[str, ...]:
    """Sorted dotted names of `modules` and of everything they import.

    Args:
        modules: dotted names to start from.
        root: the folder that holds the package; that of the imported package by default.
    """
    root = root or source_root()
    seen: set[str] = set()
    todo = {name for module in modules for name in _ancestry(module)}
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= {other for other in _read(root, name).imports - seen if not _steers(other)}
    return tuple(sorted(seen))


def _steers(module: str) -> bool:
    return not STEERING.isdisjoint(_ancestry(module))


@dataclass(frozen=True)
class _Source:
    """A module: the digest of its code and data files, and the project modules that it imports."""

    digest: str
    imports: frozenset[str]


@cache
def _read(root: Path, module: str) -> _Source:
    path = _path(root, module)
    tree = ast.parse(path.read_bytes())
    package = path.name == "__init__.py"
    parent = module if package else module.rpartition(".")[0]
    names = {name for node in _import_statements(tree, package) for name in _imported(node, parent)}
    own = {name for name in names if name.split(".")[0] == PACKAGE and _path(root, name).is_file()}
    digest = hashlib.sha256(_meaning(tree).encode())
    for data in _data_files(tree, path.parent):
        digest.update(data.read_bytes())
    return _Source(digest.hexdigest(), frozenset(own))


def _path(root: Path, module: str) -> Path:
    base = root.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _meaning(node: object) -> str:
    """Like `ast.dump`, without positions, docstrings and empty fields.

    Empty fields differ between versions of Python.
    """
    if isinstance(node, list):
        return f"[{','.join([_meaning(item) for item in node if not _is_docstring(item)])}]"
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields)
        filled = ",".join([f"{name}={_meaning(value)}" for name, value in fields if value not in (None, [])])
        return f"{type(node).__name__}({filled})"
    return repr(node)


def _data_files(tree: ast.Module, folder: Path) -> list[Path]:
    """Files of the folder, other than sources, whose name is a string in the code."""
    beside = {path.name: path for path in folder.iterdir() if path.suffix != ".py"}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} if beside else set()
    return [path for name, path in sorted(beside.items()) if name in texts and path.is_file()]


def _is_docstring(node: object) -> bool:
    """Whether the node is a bare string: a docstring of a module, class, function or constant."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _import_statements(node: ast.AST, package: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements that can run.

    Imports for type checkers are left out. In a package's `__init__.py` only those that run on import count:
    every module of the package imports that file, but need not call its functions.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif not (isinstance(child, ast.expr) or (package and isinstance(child, ast.FunctionDef))):
            yield from _import_statements(child, package)


def _imported(node: ast.Import | ast.ImportFrom, parent: str) -> Iterator[str]:
    """Dotted names that an import may load; some are not modules."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _ancestry(alias.name)
        return
    base = node.module or ""
    if node.level:
        around = parent.rsplit(".", node.level - 1)[0]
        base = f"{around}.{base}" if base else around
    yield from _ancestry(base)
    for alias in node.names:
        yield f"{base}.{alias.name}"


def _ancestry(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))
