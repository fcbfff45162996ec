"""The proposals' browser in a real one: filter, open, page."""

import re
import shutil
from pathlib import Path

import pytest
from support.browsed_runs import (
    HOSTILE,
    PHOTOS,
    browse_by_hand,
    count_of,
    dom_in_chromium,
    label_of,
    make_stores,
    score_of,
)

VIOLET = 3
ESCAPED = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stores")
    make_stores(root)
    browse_by_hand(root, root / "browser")
    return root


def dom(root: Path, address: str, tmp_path: Path) -> str:
    return dom_in_chromium(root / "browser/index.html", address, tmp_path / "profile")


def listed(page: str) -> list[int]:
    """Ids of the listed photos."""
    return [int(number) for number in re.findall(r"<figcaption>photo (\d+)", page)]


def status(page: str) -> str:
    return re.search(r'role="status">([^<]*)<', page)[1]


def test_the_list_shows_the_best_photos_a_page_at_a_time(root: Path, tmp_path: Path) -> None:
    page = dom(root, "page=2", tmp_path)
    assert status(page) == "60 proposals on 30 photos"
    assert listed(page) == list(range(124, 130))  # photo p is better than p + 1, and 24 fill a page
    assert "page 2 of 2" in page and 'rel="prev"' in page and 'rel="next"' not in page
    assert page.count('class="halo"') == sum(map(count_of, range(24, 30)))
    assert f"★ {ESCAPED} (" in page and "<title>broken" not in page and HOSTILE not in page


def test_filters_by_name_and_score_and_puts_the_least_sure_first(root: Path, tmp_path: Path) -> None:
    page = dom(root, "name=violet&min=0.8&max=1.25&sort=entropy", tmp_path)
    found = {
        photo: min(scores)
        for photo in range(PHOTOS)
        if (
            scores := [
                score_of(photo, rank)
                for rank in range(count_of(photo))
                if label_of(photo, rank) == VIOLET and 0.8 <= score_of(photo, rank) <= 1.25
            ]
        )
    }
    expected = sorted(found, key=lambda photo: (found[photo], photo))
    assert listed(page) == [100 + photo for photo in expected][:24]
    assert status(page).endswith(f"on {len(expected)} photos")
    names = re.findall(r'<a href="#[^"]*" class="novel">★ ([^<]*)</a>', page)
    assert names and set(names) == {"violet"}


def test_an_opened_proposal_shows_its_crops_names_and_neighbours(root: Path, tmp_path: Path) -> None:
    page = dom(root, "open=105.2", tmp_path)
    opened = page[page.index("<dialog") :]
    assert re.match(r'<dialog[^>]* open=""', opened)
    assert f"★ {ESCAPED if label_of(5, 1) == 2 else 'violet'}</b> on photo 105" in opened
    for name, value in {"rank": "2 of 3", "score": "0.950", "entropy": "0.436", "file": "5.png"}.items():
        assert f"<dt>{name}</dt><dd>{value}</dd>" in opened  # entropy is ln 4 - 0.95
    crops = re.findall(
        r'aria-label="the crop that CLIP saw, ([\d.]+) times the box"><image href="([^"]+)"', opened
    )
    assert crops == [("1", "crops/0000/000005.webp"), ("1.2", "crops/0000/000005.webp")]
    percents = [float(percent) for percent in re.findall(r'class="number">([\d.]+) %', opened)]
    assert len(percents) == 4 and percents == sorted(percents, reverse=True)
    assert sum(percents) == pytest.approx(100, abs=0.3)
    near = re.findall(r'aria-label="proposal \d of photo (\d+)"', opened)
    assert len(near) == 6 and "105" not in near
    assert opened.count("cosine ") == 6


def test_without_embeddings_it_says_so(root: Path, tmp_path: Path) -> None:
    browse_by_hand(root, tmp_path / "browser", embedded=False)
    page = dom_in_chromium(tmp_path / "browser/index.html", "open=100.1", tmp_path / "profile")
    assert "Nearest names need embeddings, which are missing." in page
    assert "ezsd-cli precompute --only embed" in page
    assert status(page) == "60 proposals on 30 photos"


def test_a_person_filters_opens_steps_and_closes(root: Path, tmp_path: Path) -> None:
    """A script does what a person would, and writes down what it sees."""
    copy = shutil.copytree(root / "browser", tmp_path / "browser")
    drive = """
    const log = [];
    const see = (what) => new Promise((resolve) => setTimeout(() => { log.push(what()); resolve(); }, 500));
    const dialog = document.getElementById("opened");
    const title = () => dialog.open && document.getElementById("opened-title").textContent;
    (async () => {
      await see(() => document.getElementById("status").textContent);
      const form = document.getElementById("filter");
      form.elements.name.value = "violet";
      form.elements.name.dispatchEvent(new Event("change", { bubbles: true }));
      await see(() => location.hash);
      const link = document.querySelector("#list .lines a");
      link.focus();
      link.click();
      await see(title);
      dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
      await see(title);
      await see(() => document.activeElement.id);
      dialog.querySelector("button").click();
      await see(() => [title(), location.hash, document.activeElement === link].join(" "));
      form.querySelector("button").click();
      await see(() => document.getElementById("status").textContent);
      document.body.append(Object.assign(document.createElement("pre"), { textContent: log.join("|") }));
    })();
    """
    (copy / "drive.js").write_text(drive)
    page = copy / "index.html"
    page.write_text(page.read_text().replace("</head>", '<script src="drive.js" defer></script></head>'))
    seen = dom_in_chromium(page, "", tmp_path / "profile")
    assert re.search(r"<pre>(.*)</pre>", seen, re.S)[1].split("|") == [
        "60 proposals on 30 photos",
        "#name=violet",
        "★ violet on photo 101",
        f"★ {ESCAPED} on photo 101",
        "opened-title",
        "false #name=violet true",
        "60 proposals on 30 photos",
    ]
