"""`docs/method.md` leads to each idea's file, and the code leads back to its sections."""

import re

from support.small_runs import REPOSITORY

PAGE = REPOSITORY / "docs/method.md"
LINK = re.compile(r"\]\(([^)#]*)(?:#([\w-]+))?\)")
SECTION = re.compile(r"docs/method\.md, sections? (\d+)(?:(?: to | and )(\d+))?")
ROOMS = ("ezsd", "cache", "pipeline", "stages", "benchmarks")
LARGEST_PICTURE = 300 << 10


def test_every_link_of_the_page_leads_to_a_file_or_an_anchor() -> None:
    text = PAGE.read_text(encoding="utf-8")
    anchors = set(re.findall(r'<a id="([\w-]+)">', text))
    links = [match.groups() for match in LINK.finditer(text) if not match[1].startswith("http")]
    assert len(links) > 40
    broken = [
        (path, anchor)
        for path, anchor in links
        if not (PAGE.parent / path).exists() or (not path and anchor not in anchors)
    ]
    assert broken == []


def test_every_section_that_the_code_names_is_there() -> None:
    numbers = set(re.findall(r"^## (\d+)\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    named = [
        (file.relative_to(REPOSITORY), number)
        for room in ROOMS
        for file in (REPOSITORY / room).rglob("*.py")
        for match in SECTION.finditer(file.read_text(encoding="utf-8"))
        for number in match.groups()
        if number is not None
    ]
    assert len(named) > 10
    assert [(file, number) for file, number in named if number not in numbers] == []


def test_every_picture_is_shown_and_small() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGE.parent.glob("*.md"))
    for picture in (REPOSITORY / "docs/figures").iterdir():
        assert f"(figures/{picture.name})" in text
        assert picture.stat().st_size <= LARGEST_PICTURE
