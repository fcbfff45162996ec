"""The page shows the numbers, loads nothing, and is the same bytes every time."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
from PIL import Image
from support.report_numbers import METRICS

from ezsd.cache.renorm_file import CheckRecord
from ezsd.evaluation.error_types import ErrorRow
from ezsd.evaluation.metrics import ClassRow
from ezsd.mining.score import CERTAINTY, OBJECTNESS
from ezsd.pipeline.data.checks import Quarantined
from ezsd.pipeline.findings.finding import Finding
from ezsd.stages.pages.mined import Histogram
from ezsd.stages.pages.report.mistakes import ErrorPicture, ErrorPictures
from ezsd.stages.pages.report.page import Artifact, MinedProposals, PageContent, render_page
from ezsd.stages.pages.report.pictures import Pair, Picture, as_picture
from ezsd.stages.pages.report.table import result_table

CLASSES = [
    ClassRow("striped fish", "base", 30, 51.94, 30.0, 29.0, 20.0, 31.0, None),
    ClassRow("dotted <cat>", "novel", 12, 71.82, 40.0, 39.0, None, 41.0, 42.0),
    ClassRow("plain cup", "novel", 0, *[None] * 6),
]

OUTCOMES = [("found", 520, 52.0), ("wrong class", 230, 23.0), ("wrong place", 90, 9.0), ("missed", 160, 16.0)]

ERRORS = [
    ErrorRow(group, kind, count, percent)
    for group in ("base", "novel", "all")
    for kind, count, percent in [*OUTCOMES, ("background", 777, 77.7)]
]

PICTURE = as_picture(Image.new("RGB", (40, 30), "red"), "a red photo")
LINKED = replace(PICTURE, link="../../proposals/index.html#name=plain+cup")

CONTENT = PageContent(
    metrics=METRICS,
    classes=CLASSES,
    errors=ERRORS,
    steps=[10, 20, 30],
    losses={"total": [3.0, 2.0, 1.0], "proposal_box": [0.3, 0.2, 0.1]},
    proposals=MinedProposals(
        800, 31207, CERTAINTY, Histogram([1, 5, 2], 0.0, 4.17), Histogram([2, 3, 3], 0.0, 1.0), [PICTURE]
    ),
    pairs=[Pair("photo 2000012", ["4 objects"], PICTURE, PICTURE)],
    error_pictures={
        "base": ErrorPictures([ErrorPicture("wrong class", 7, "plain <cup>", 0.875, ["kite"], LINKED)], []),
        "novel": ErrorPictures(
            [],
            [
                ErrorPicture("missed", 8, "ringed moon", 0.25, [], PICTURE),
                ErrorPicture("missed", 9, "star", None, [], Picture("", 9, 9, "star: no such file")),
            ],
        ),
    },
    check=None,
    quarantined=[Quarantined("photo", "val image 12", "it is <truncated>")],
    artifacts=[Artifact("mine", {"photos": 800, "proposals": 31207}, "ab12cd34ef56" * 5 + "0000")],
)


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.open = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data


def words(html):
    return re.sub(r"\s+", " ", Seen(html).words)


def test_the_page_shows_what_the_check_chose_and_measured():
    accuracy = np.array([[[0.2, 0.6, 0.5]], [[0.25, 0.6, 0.75]]], np.float32)
    check = CheckRecord(
        ("fish", "kite"), (40, 40, 30), np.array([0.75], np.float32), accuracy, accuracy, 1, 0.75
    )
    page = render_page(replace(CONTENT, check=check))
    text = words(page)
    assert "not tuned on 2 of the base names" in text
    assert "It chose epoch 1 and 0.75 of the way" in text
    assert "among all base names: 20.0 % raw, 25.0 % chosen, 40 boxes" in text
    assert page.count("<svg") == render_page(CONTENT).count("<svg") + 3


def test_the_page_shows_the_numbers():
    text = words(render_page(CONTENT))
    for expected in (
        "AP50 21.6 on 17 categories that had no box in training",
        "names known",
        "world_48_17",
        "1,240",
        "Base objects: +38.8 points. Novel objects: +36.7 points.",
        "31,207 boxes on 800 training photos",
        "63.8 % of the novel objects",
        "48.1",
        "55.4",
        "71.8",
        "it is <truncated>",
        "777 of base names and 777 of novel names",
        "800 photos, 31,207 proposals",
        "ab12cd34ef56",
        "No objects in the validation photos: plain cup",
    ):
        assert expected in text, expected


def test_the_page_loads_nothing():
    page = render_page(CONTENT)
    assert not re.search(r"https?://|//[a-z]|url\(|@import|<script|<link", page.replace(PICTURE.source, ""))
    for tag, attributes in Seen(page).tags:
        source = attributes.get("src", "")
        assert not source or source.startswith("data:image/webp;base64,"), tag
    leads = [attributes["href"] for tag, attributes in Seen(page).tags if "href" in attributes]
    assert leads == [LINKED.link]


def test_pictures_and_charts_are_described_in_words():
    tags = Seen(render_page(CONTENT)).tags
    assert all(attributes["alt"] for tag, attributes in tags if tag == "img")
    assert all(attributes["aria-label"] for tag, attributes in tags if tag == "svg")
    assert sum(tag == "img" for tag, _ in tags) == 5


def test_every_kind_of_error_is_in_the_plot():
    tags = Seen(render_page(CONTENT)).tags
    drawn = [(attributes.get("class"), attributes.get("style")) for tag, attributes in tags if tag == "span"]
    for kind, _, percent in [*OUTCOMES, ("background", 777, 77.7)]:
        assert drawn.count((kind.replace(" ", "-"), f"width:{percent:.2f}%")) == 2, kind  # base and novel


def test_mistakes_and_misses_say_what_they_are() -> None:
    text = words(render_page(CONTENT))
    mistakes, misses = text[text.index("The surest mistakes") :].split("The largest misses")
    assert "0.88 plain <cup> wrong class: kite photo 7" in mistakes and "novel names None." in mistakes
    assert "base names None." in misses
    assert "★ ringed moon too low: 0.25 photo 8" in misses
    assert "star: no such file ★ star no box there photo 9" in misses


def test_the_same_content_gives_the_same_bytes():
    assert render_page(CONTENT) == render_page(CONTENT)


def test_the_best_category_comes_first_and_names_cannot_break_the_page():
    page = render_page(CONTENT)
    assert "dotted &lt;cat&gt;" in page and "<cat>" not in page
    assert page.index("dotted &lt;cat&gt;") < page.index("striped fish")


def test_a_page_of_nothing():
    nothing = {"base": 0.0, "novel": None, "all": 0.0}
    accuracy = {"raw": {"base": None, "novel": None}, "renormalized": {"base": None, "novel": None}}
    empty = replace(
        CONTENT,
        metrics={
            **METRICS,
            "AP50": nothing,
            "teacher_accuracy": accuracy,
            "data": {**METRICS["data"], "objects": {"base": 3, "novel": 0, "all": 3}},
        },
        errors=[replace(row, count=0, percent=None) for row in ERRORS],
        classes=[replace(row, AP50=None) for row in CLASSES],
        steps=[],
        losses={"total": []},
        pairs=[],
        error_pictures={"base": ErrorPictures([], []), "novel": ErrorPictures([], [])},
        quarantined=[],
        proposals=MinedProposals(0, 0, OBJECTNESS, Histogram([0, 0], 0.0, 1.0), Histogram([], 0.0, 1.0), []),
    )
    text = words(render_page(empty))
    assert "These validation photos have no novel objects" in text
    assert "None: all photos and boxes could be used." in text
    assert "No steps were trained." in text


def test_lvis_has_a_table_of_rare_common_and_frequent_names():
    frequencies = {"APr": 12.34, "APc": None, "APf": 30.0}
    groups = {"base": 12.0, "novel": 3.0, "all": 10.0}
    lvis = {
        **METRICS,
        **frequencies,
        "data": {**METRICS["data"], "format": "lvis"},
        "max_dets": 300,
        "masks": {"AP50": groups, "AP": groups, **frequencies, "APr": 9.0},
    }
    text = result_table(lvis)
    assert "LVIS's federated AP, at most 300 boxes a photo" in text
    assert [line.split() for line in text.split("\n\n")[-1].splitlines()][2:] == [
        ["|", "AP", "|", "12.3", "|", "–", "|", "30.0", "|"],
        ["|", "AP", "of", "masks", "|", "9.0", "|", "–", "|", "30.0", "|"],
    ]
    page = render_page(replace(CONTENT, metrics=lvis))
    assert '<th scope="col">rare</th>' in page and "<td>12.3</td><td>–</td><td>30.0</td>" in page
    assert "rare" not in result_table(METRICS) + render_page(CONTENT)


def test_the_page_says_where_the_proposals_come_from() -> None:
    theirs = replace(CONTENT, proposals=replace(CONTENT.proposals, score=OBJECTNESS))
    assert "score (ln C - entropy)" in render_page(CONTENT) and "filtered out" in render_page(CONTENT)
    assert "score (objectness)" in render_page(theirs) and "filtered out" not in render_page(theirs)


def test_findings_are_at_the_top_and_only_where_there_are_any() -> None:
    few = Finding("few-proposals", "proposals <per> photo", 0.25, 1.0, "mine more")
    assert "Findings" not in Seen(render_page(CONTENT)).words
    page = render_page(replace(CONTENT, artifacts=[replace(CONTENT.artifacts[0], findings=[few])]))
    words = " ".join(Seen(page).words.split())
    assert "Findings" in words and "mine proposals <per> photo 0.25 1 mine more" in words
    assert words.index("Findings") < words.index("Result")
