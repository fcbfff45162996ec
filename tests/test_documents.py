"""What the documents name is there: files, folders, commands, targets of make; and the walk stays short."""

import re
from pathlib import Path

import pytest
import typer
from support.small_runs import REPOSITORY

from ezsd.stages.commands.main import app

FOLDERS = (REPOSITORY, REPOSITORY / "docs", REPOSITORY / "docs/recipes")
PAGES = [page for folder in FOLDERS for page in sorted(folder.glob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+)(?:#[\w-]+)?\)")
FILE = re.compile(r"`((?:ezsd|cache|pipeline|stages|tests|benchmarks|docs)/[\w./-]*)`")
COMMAND = re.compile(r"ezsd-cli ([a-z][\w-]*)")
TEST = re.compile(r"`(test_\w+)`")
TARGET = re.compile(r"`make (\w+)`|^make (\w+)", re.MULTILINE)
LONGEST_WALK = 25


def named(page: Path, pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    return [match.groups(default="") for match in pattern.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    links = [page.parent / path for (path,) in named(page, LINK) if not path.startswith("http")]
    files = [REPOSITORY / path for (path,) in named(page, FILE)]
    assert [path for path in links + files if not path.exists()] == []


def test_every_command_that_a_page_names_is_there() -> None:
    known = set(typer.main.get_group(app).commands)
    found = [(page.name, name) for page in PAGES for (name,) in named(page, COMMAND)]
    assert len(found) > 40
    assert [one for one in found if one[1] not in known] == []


def test_every_test_that_a_page_names_is_there() -> None:
    files = (REPOSITORY / "tests").rglob("test_*.py")
    known = {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    found = {name for page in PAGES for (name,) in named(page, TEST)}
    assert len(found) > 30 and found - known == set()


def test_every_target_of_make_that_a_page_names_is_there() -> None:
    known = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    found = {name for page in PAGES for names in named(page, TARGET) for name in names if name}
    assert found and found <= known


def test_a_photo_is_followed_in_few_files() -> None:
    text = (REPOSITORY / "docs/architecture.md").read_text(encoding="utf-8")
    walk = re.findall(r"^(\d+)\. `([\w/.]+\.py)`", text, re.MULTILINE)
    assert [int(number) for number, _ in walk] == list(range(1, len(walk) + 1))
    assert 10 < len(walk) <= LONGEST_WALK
