"""The docs site builds with every link checked, and needs nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site built in strict mode."""
    pytest.importorskip("mkdocs", reason="needs the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_first_page_is_the_readme_with_links_that_hold_on_the_site(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert "<code>ezsd</code> trains an object detector" in page
    assert 'href="method.html"' in page and 'href="recipes/index.html"' in page


def test_method_links_to_the_code_of_each_idea_and_needs_no_script_for_equations(site: Path) -> None:
    page = (site / "method.html").read_text()
    assert 'href="code/ezsd/mining/score.py.html"' in page
    assert "certainty" in (site / "code/ezsd/mining/score.py.html").read_text()
    assert "<math" in page and "arithmatex" not in page


def test_api_page_shows_every_public_name_with_its_arguments(site: Path) -> None:
    import ezsd

    page = (site / "api.html").read_text()
    missing = [name for name in ezsd.__all__ if f">{name}</" not in page and f".{name}" not in page]
    assert not missing
    assert "Parameters" in page and "Raises" in page


def test_tutorial_shows_its_pictures_and_is_called_that(site: Path) -> None:
    page = (site / "tutorial.html").read_text()
    assert "data:image/" in page
    assert re.search(r'<span class="md-ellipsis">\s*Tutorial\b', page)


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in ("index.html", "method.html", "api.html"):
        text = (site / page).read_text()
        assert 'src="http' not in text and 'rel="stylesheet" href="http' not in text, page
