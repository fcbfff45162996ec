"""The map of embeddings in a real browser: points, key, zoom, and what a pointer does."""

import re
from pathlib import Path

import pytest
from support.browsed_runs import HOSTILE, PROPOSALS, label_of, value_of
from support.chromium import dom_in_chromium, driven

from ezsd.stages.pages.proposals.page import BrowserFolder

VIOLETS = PROPOSALS // 2
POINTER = """
    const map = find("#map"), sheet = map.querySelector("svg");
    const view = () => sheet.getAttribute("viewBox").split(" ").map(Number);
    const at = (x, y) => {
      const [left, top, width, height] = view(), frame = map.getBoundingClientRect();
      return {
        clientX: frame.left + frame.width * (x - left) / width,
        clientY: frame.top + frame.height * (y - top) / height,
        bubbles: true, cancelable: true,
      };
    };
    const kinds = { wheel: WheelEvent, click: MouseEvent, dblclick: MouseEvent };
    const send = (kind, x, y, more = {}) =>
      map.dispatchEvent(new (kinds[kind] ?? PointerEvent)(kind, { ...at(x, y), ...more }));
    const press = (key) => map.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
"""


def dots(page: str) -> dict[str, int]:
    """How many points the paths of each class have."""
    sheet = re.search(r'id="map".*?</svg>', page, re.S)[0]
    paths = re.findall(r'<path d="([^"]*)" class="([^"]*)"', sheet)
    return {css: sum(d.count("M") for d, other in paths if other == css) for _, css in paths}


def test_every_proposal_is_a_point_and_the_key_names_them(folder: BrowserFolder, tmp_path: Path) -> None:
    page = dom_in_chromium(folder.page, "", tmp_path / "profile")
    assert dots(page) == {"novel": PROPOSALS}
    key = re.search(r'<ul id="key".*?</ul>', page, re.S)[0]
    assert re.findall(r"</a>(\d+)</li>", key) == [str(VIOLETS)] * 2
    assert HOSTILE not in page and "★ violet" in key
    share = value_of(folder.map)["share"]
    assert f'<span id="share">{100 * share:.0f} %</span>' in page


def test_a_chosen_name_stands_out(folder: BrowserFolder, tmp_path: Path) -> None:
    page = dom_in_chromium(folder.page, "name=violet", tmp_path / "profile")
    assert dots(page) == {"faded": PROPOSALS - VIOLETS, "novel": VIOLETS}
    assert re.search(r'<a href="#"[^>]* aria-current="true">★ violet', page)  # again: all names


def test_near_points_become_pictures(folder: BrowserFolder, tmp_path: Path) -> None:
    entry = value_of(folder.map)
    page = dom_in_chromium(folder.page, f"map={entry['x'][0]},{entry['y'][0]},8", tmp_path / "profile")
    cutouts = re.findall(r'<a href="#([^"]*)" class="cutout" title="([^"]*)".*?href="([^"]*)"', page)
    first = next(one for one in cutouts if one[1].endswith("photo 100"))
    assert "open=100.1" in first[0] and first[2] == "thumbs/0000/000000.webp"
    assert len(cutouts) < PROPOSALS
    assert 'class="cutout"' not in dom_in_chromium(folder.page, "", tmp_path / "profile")


def test_a_person_zooms_and_moves(folder: BrowserFolder, tmp_path: Path) -> None:
    drive = """
    const [plus, minus, all] = document.querySelectorAll("#zoom button");
    plus.click();
    await see(view);
    await see(() => location.hash);
    minus.click();
    await see(view);
    press("+");
    press("ArrowLeft");
    press("ArrowUp");
    await see(view);
    press("ArrowRight");
    press("ArrowDown");
    press("-");
    press("+");
    await see(view);
    all.click();
    await see(view);
    await see(() => location.hash);
    send("dblclick", 500, 375);
    await see(view);
    send("pointerdown", 500, 375);
    send("pointermove", 600, 375);
    send("pointerup", 600, 375);
    send("click", 600, 375);
    await see(view);
    await see(() => find("#opened").open);
    press("0");
    send("wheel", 0, 0, { deltaY: -200, ctrlKey: true });
    send("wheel", 0, 0, { deltaY: -200 });
    await see(view);
    """
    seen = driven(folder.page, POINTER + drive, tmp_path)
    addresses = [seen.pop(place) for place in (9, 6, 1)]
    assert addresses == ["false", "", "#map=500.0%2C375.0%2C1.50"]  # a drag opens nothing
    borders = [
        [167, 125, 667, 500],
        [0, 0, 1000, 750],
        [33, 25, 667, 500],
        [167, 125, 667, 500],
        [0, 0, 1000, 750],
        [250, 188, 500, 375],
        [150, 188, 500, 375],
        [0, 0, 368, 276],  # by a factor of e, and the top left corner stays
    ]
    for view, expected in zip(seen, borders, strict=True):
        assert [float(side) for side in view.split(",")] == pytest.approx(expected, abs=3)


def test_a_person_points_clicks_and_chooses_a_name(folder: BrowserFolder, tmp_path: Path) -> None:
    entry = value_of(folder.map)
    points = list(zip(entry["x"], entry["y"], strict=True))
    alone = next(  # so far from all others that it is meant
        place
        for place, (x, y) in enumerate(points)
        if all(abs(x - a) + abs(y - b) > 4 for other, (a, b) in enumerate(points) if other != place)
    )
    x, y = points[alone]
    photo, rank = entry["positions"][alone], entry["places"][alone]
    name = "violet" if label_of(photo, rank) == 3 else HOSTILE
    drive = f"""
    const dialog = find("#opened"), pointed = () => find("#pointed").textContent;
    send("pointermove", {x}, {y});
    await see(pointed);
    send("click", {x}, {y});
    await see(() => location.hash);
    dialog.querySelector("button").click();
    await see(() => dialog.open);
    send("pointermove", 5, 5);
    await see(pointed);
    send("click", 5, 5);
    await see(() => location.hash);
    const names = () => [...document.querySelectorAll("#key a")];
    const violet = () => names().find((link) => link.textContent.includes("violet"));
    violet().click();
    await see(() => [location.hash, find("#status").textContent.split(" on ")[0]].join(" "));
    violet().click();
    await see(() => location.hash);
    map.dispatchEvent(new KeyboardEvent("keydown", {{ key: "+", ctrlKey: true }}));
    await see(() => view().join(" "));
    location.hash = "#map={x},{y},20";
    await see(() => "moved");
    find("#cutouts a[href*='open={100 + photo}.{rank + 1}']").click();
    await see(() => dialog.open);
    """
    seen = driven(folder.page, POINTER + drive, tmp_path)
    assert seen == [
        f"★ {name}, photo {100 + photo}",
        f"#open={100 + photo}.{rank + 1}",
        "false",
        "",
        "",
        f"#name=violet {VIOLETS} proposals",
        "",
        "0 0 1000 750",
        "moved",
        "true",
    ]
