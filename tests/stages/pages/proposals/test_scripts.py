"""The proposals' browser in a real one: filter, open, page."""

import re
from pathlib import Path

import pytest
from support.browsed_runs import (
    HOSTILE,
    PHOTOS,
    browse_by_hand,
    count_of,
    label_of,
    make_stores,
    score_of,
)
from support.chromium import dom_in_chromium, driven

from ezsd.stages.pages.links import BrowserLinks

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
    photos = page[page.index('<ol id="list"') :]
    names = re.findall(r'<a href="#[^"]*" class="novel">★ ([^<]*)</a>', photos)
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


def test_a_photo_of_the_address_is_shown_alone_and_one_that_is_not_here_is_named(
    root: Path, tmp_path: Path
) -> None:
    page = dom(root, "photo=105", tmp_path)
    assert listed(page) == [105] and status(page) == f"{count_of(5)} proposals on 1 photo"
    assert status(dom(root, "photo=7", tmp_path)).startswith("Photo 7 is not here: it has no proposals")
    assert status(dom(root, "photo=105&min=9", tmp_path)) == "No proposal matches."


def test_links_of_other_pages_choose_a_photo_a_proposal_or_a_name(root: Path, tmp_path: Path) -> None:
    links = BrowserLinks.between(tmp_path / "pages/found.html", root / "browser/index.html")
    assert (tmp_path / "pages" / links.page).resolve() == (root / "browser/index.html").resolve()
    seen = {
        link: dom(root, link.partition("#")[2], tmp_path)
        for link in (links.photo(105), links.proposal(105, 2), links.name(HOSTILE))
    }
    assert [listed(page)[:1] for page in seen.values()] == [[105], [105], [100]]
    assert ["open=" in link and "on photo 105" in page for link, page in seen.items()] == [False, True, False]
    named = sum(label_of(photo, rank) == 2 for photo in range(PHOTOS) for rank in range(count_of(photo)))
    assert status(seen[links.name(HOSTILE)]).startswith(f"{named} proposals")


def test_a_person_filters_opens_steps_and_closes(root: Path, tmp_path: Path) -> None:
    drive = """
    const form = find("#filter"), dialog = find("#opened");
    const status = () => find("#status").textContent;
    const title = () => dialog.open && find("#opened-title").textContent;
    change(form.elements.name, "violet");
    await see(() => location.hash);
    const link = find("#list .lines a");
    link.focus();
    link.click();
    await see(title);
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    await see(title);
    await see(() => document.activeElement.id);
    dialog.querySelector("a[rel=prev]").click();
    await see(title);
    dialog.querySelector(".near a").click();
    await see(() => title() !== "★ violet on photo 101" && location.hash.startsWith("#name=violet&open="));
    dialog.querySelector("button").click();
    await see(() => [title(), location.hash, document.activeElement === link].join(" "));
    form.querySelector("button").click();
    await see(status);
    """
    assert driven(root / "browser/index.html", drive, tmp_path) == [
        "#name=violet",
        "★ violet on photo 101",
        f"★ {HOSTILE} on photo 101",
        "opened-title",
        "★ violet on photo 101",
        "true",
        "false #name=violet true",
        "60 proposals on 30 photos",
    ]


def test_a_person_uses_every_field_and_turns_the_page(root: Path, tmp_path: Path) -> None:
    drive = """
    const form = find("#filter"), dialog = find("#opened");
    const status = () => find("#status").textContent;
    const first = () => find("#list figcaption").firstChild.textContent;
    find("#pages a[rel=next]").click();
    await see(first);
    find("#pages a[rel=prev]").click();
    await see(first);
    change(form.elements.photo, "105");
    await see(() => [status(), first()].join(", "));
    change(form.elements.photo, "");
    change(form.elements.min, "1.2");
    await see(status);
    change(form.elements.max, "1.25");
    await see(status);
    change(form.elements.sort, "entropy");
    await see(() => [location.hash, first()].join(", "));
    change(form.elements.sort, "photo");
    await see(first);
    find("#list svg a").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    await see(() => dialog.open);
    dialog.dispatchEvent(new MouseEvent("click")); // beside the dialog's content
    await see(() => dialog.open);
    """
    assert driven(root / "browser/index.html", drive, tmp_path) == [
        "photo 124",
        "photo 100",
        "3 proposals on 1 photo, photo 105",
        "11 proposals on 11 photos",
        "6 proposals on 6 photos",
        "#min=1.2&max=1.25&sort=entropy, photo 110",
        "photo 105",
        "true",
        "false",
    ]


def test_escape_closes_a_proposal_and_the_address_follows(root: Path, tmp_path: Path) -> None:
    drive = """
    await see(() => find("#opened").open);
    find("#opened").dispatchEvent(new Event("close")); // what the browser sends
    await see(() => find("#opened").open + location.hash);
    """
    assert driven(root / "browser/index.html", drive, tmp_path, "open=105.2") == ["true", "false"]
