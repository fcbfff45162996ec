"""`constraints.txt`, the set of versions that `make setup` installs."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"


def lowest_python() -> str:
    """Return the first release of the lowest Python that the project supports, `3.11.0`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['requires-python'].removeprefix('>=')}.0"


def test_the_pinned_versions_install_on_the_lowest_supported_python() -> None:
    """Otherwise pip finds no candidate there, and searches for minutes before it says so."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines if not line.startswith("#")}
    installed = {
        f"{package.name}=={package.version}": package.metadata.get("Requires-Python") or ""
        for package in distributions()
        if canonicalize_name(package.name) in pinned
    }
    assert installed
    newer = {pin: needs for pin, needs in installed.items() if lowest_python() not in SpecifierSet(needs)}
    assert not newer
