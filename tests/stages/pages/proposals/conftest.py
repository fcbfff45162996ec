"""Small stores made by hand, and the browser of them."""

from pathlib import Path

import pytest
from support.browsed_runs import browse_by_hand, make_stores

from ezsd.stages.pages.proposals.page import BrowserFolder


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stores")
    make_stores(root)
    return root


@pytest.fixture(scope="package")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> BrowserFolder:
    return browse_by_hand(root, tmp_path_factory.mktemp("browser"))
