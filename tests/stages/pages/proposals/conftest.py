"""Small stores made by hand, and the browser of them."""

from pathlib import Path

import pytest
from support.browsed_runs import browse_by_hand, make_stores
from support.teacher_runs import context_of, prepare_colours

from ezsd.cache.writing import begin, publish
from ezsd.stages import embed, mine, renorm
from ezsd.stages.pages.proposals.page import BrowserFolder


@pytest.fixture(scope="package")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stores")
    make_stores(root)
    return root


@pytest.fixture(scope="package")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> BrowserFolder:
    return browse_by_hand(root, tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny teacher up to `embed`; its manifests hold no inputs."""
    root = tmp_path_factory.mktemp("made")
    prepare_colours(root)
    for name, module in {"renorm": renorm, "mine": mine, "embed": embed}.items():
        context = context_of(name, root)
        begin(context.folder, name, {})
        result = module.run(context)
        publish(context.folder, result.counts, result.facts)
    return root
