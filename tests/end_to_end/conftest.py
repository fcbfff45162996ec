"""Runs of the whole pipeline at a very small size."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.small_runs import run_all, small_params


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole small pipeline has run. Tests only read it."""
    root = tmp_path_factory.mktemp("small-run")
    (root / "params.yaml").write_text(small_params())
    run_all(root)
    return root


@pytest.fixture
def new_root(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders with small params, in which nothing has run."""

    def make(name: str, changes: dict[str, dict[str, Any]] | None = None) -> Path:
        root = tmp_path / name
        root.mkdir()
        (root / "params.yaml").write_text(small_params(changes))
        return root

    return make
