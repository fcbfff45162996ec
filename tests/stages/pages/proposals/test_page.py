"""The page says what it shows, and loads nothing from elsewhere."""

import re
from dataclasses import replace

from support.browsed_runs import HOSTILE, NAMES, VIEWS, facts, value_of

from ezsd.mining.score import OBJECTNESS
from ezsd.stages.pages.proposals.page import BrowserFolder, overview, render_page, script


def test_no_name_can_end_a_script_or_the_page(folder: BrowserFolder) -> None:
    text = folder.overview.read_text()
    assert value_of(folder.overview)["names"][NAMES.index(HOSTILE)] == HOSTILE
    assert text.count("\n") == 1 and text.isascii()
    assert script("a\u2028", "é\n").isascii()


def test_nothing_comes_from_elsewhere(folder: BrowserFolder) -> None:
    for path in folder.root.rglob("*"):
        if path.suffix in (".html", ".js"):
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|@import|\bfetch\(|XMLHttpRequest|innerHTML|\beval\(", text), path


def test_the_page_says_what_is_missing_or_left_out() -> None:
    text = " ".join(render_page(facts(embedded=False)).split())
    assert "names known" in text and "60 proposals on 30 training photos" in text
    assert "Nearest names and neighbours are not shown" in text and "Neighbours are" not in text
    partly = replace(facts(), all_proposals=5000, with_proposals=12345, pool=40)
    text = " ".join(render_page(partly).split())
    assert "30 photos, evenly spaced among those with proposals, and at most the 4 best" in text
    assert "searched among 40 of the 60 proposals shown here, evenly spaced." in text


def test_objectness_has_no_entropy() -> None:
    learned = replace(facts(), score=OBJECTNESS)
    text = " ".join(render_page(learned).split())
    assert "Score is the objectness" in text and "entropy, highest first" not in text
    assert "entropy, highest first" in render_page(facts())
    assert not overview(learned, [], VIEWS, 224)["certain"] and overview(facts(), [], VIEWS, 224)["certain"]
