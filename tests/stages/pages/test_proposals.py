"""The files of the proposals' browser: what is in them, how large they get, and that they repeat."""

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.browsed_runs import (
    CROP,
    HOSTILE,
    LOGIT_SCALE,
    NAMES,
    PHOTOS,
    PROPOSALS,
    VIEWS,
    browse_by_hand,
    count_of,
    facts,
    label_of,
    make_stores,
    score_of,
)
from support.teacher_runs import file_bytes

from ezsd.cache.artifacts import Embedded
from ezsd.mining.score import OBJECTNESS
from ezsd.stages.pages.proposal_view import PhotoProposals
from ezsd.stages.pages.proposals.answers import nearest_names
from ezsd.stages.pages.proposals.chunks import BrowsedPhoto, boxes_entry, index_entry, script
from ezsd.stages.pages.proposals.layout import CHUNK_PHOTOS, SHELF_PHOTOS, BrowserFolder
from ezsd.stages.pages.proposals.neighbours import Pool, gather_pool
from ezsd.stages.pages.proposals.page import Name, overview, render_page
from ezsd.stages.pages.proposals.pictures import crop_sheet, thumbnail
from ezsd.teacher.crops import square_crops


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stores")
    make_stores(root)
    return root


@pytest.fixture(scope="module")
def folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> BrowserFolder:
    return browse_by_hand(root, tmp_path_factory.mktemp("browser"))


def value_of(path: Path) -> object:
    """What a data script hands to the page."""
    arguments = re.fullmatch(r"put\((.*)\);\n", path.read_text())[1]
    key, value = json.loads(f"[{arguments}]")
    assert key == path.stem
    return value


def test_the_index_has_id_name_and_score_of_every_proposal(folder: BrowserFolder) -> None:
    index = value_of(folder.index(0))
    assert index["ids"] == list(range(100, 100 + PHOTOS))
    for photo in range(PHOTOS):
        ranks = range(count_of(photo))
        assert index["labels"][photo] == [label_of(photo, rank) for rank in ranks]
        assert index["scores"][photo] == pytest.approx([score_of(photo, rank) for rank in ranks], abs=1e-4)


def test_boxes_lie_in_chunks_of_their_photos(folder: BrowserFolder) -> None:
    first, second = value_of(folder.boxes(0)), value_of(folder.boxes(1))
    assert (len(first), len(second)) == (CHUNK_PHOTOS, PHOTOS - CHUNK_PHOTOS)
    assert second[1] == {
        "file": "26.png",
        "size": [48, 32],
        "boxes": [[4, 5, 24, 15], [5, 5, 25, 15], [6, 5, 26, 15]],
        "confidence": [0.75, 0.75, 0.75],
    }


def test_names_and_neighbours_are_those_of_the_embedding(folder: BrowserFolder) -> None:
    details = value_of(folder.details(0))[0][0]
    # photo 0 looks at the axis of its name: the others are at right angles, so each has e^0 against e^5
    names = dict(details["names"])
    sure = math.exp(LOGIT_SCALE) / (math.exp(LOGIT_SCALE) + 3)
    assert details["names"][0] == [2, round(sure, 4)]
    assert names[0] == names[1] == names[3] == round((1 - sure) / 3, 4)
    # the angle to a proposal of the same name in photo p is 0.02 p
    assert details["near"][0][:2] == [1, 1]
    assert sorted(place[:2] for place in details["near"][1:3]) == [[2, 0], [2, 2]]
    assert [cosine for *_, cosine in details["near"]][:3] == [1.0, 0.999, 0.999]


def test_a_proposal_has_no_neighbour_in_its_own_photo() -> None:
    same = np.array([[1, 0], [1, 0], [0, 1]], np.float16)
    pool = Pool(same, positions=np.array([4, 4, 7]), places=np.array([0, 1, 0]))
    assert pool.nearest(np.array([[1, 0]], np.float32), 4, 5) == [[(7, 0, 0.0)]]
    assert pool.nearest(np.array([[1, 0]], np.float32), 7, 1)[0][0][2] == 1.0


def test_the_pool_is_evenly_spaced_and_bounded(root: Path) -> None:
    counts = np.array([count_of(photo) for photo in range(PHOTOS)])
    every = gather_pool(Embedded(root / "embed"), np.arange(PHOTOS), counts)
    assert len(every.places) == PROPOSALS
    some = gather_pool(Embedded(root / "embed"), np.arange(PHOTOS), counts, size=6)
    # every tenth of 60; three photos hold six proposals, so the tenth is in photo 5 (0 to 2: 1, 2, 3 of them)
    assert list(zip(some.positions.tolist(), some.places.tolist(), strict=True)) == [
        (0, 0),
        (5, 1),
        (10, 1),
        (15, 0),
        (20, 1),
        (25, 1),
    ]
    picked = [np.flatnonzero((every.positions == p) & (every.places == r))[0] for p, r in [(5, 1), (25, 1)]]
    assert (some.embeddings[[1, 5]] == every.embeddings[picked]).all()


def test_fewer_names_than_are_shown() -> None:
    said = nearest_names(np.array([[0.6, 0.8]], np.float32), np.eye(2, dtype=np.float32), 1.0)
    likely = 1 / (1 + math.exp(-0.2))
    assert said == [[(1, round(likely, 4)), (0, round(1 - likely, 4))]]


def test_the_sheet_holds_the_crops_that_the_teacher_saw(random_photo) -> None:
    photo = random_photo(60, 90)
    boxes_xyxy = np.array([[0, 0, 20, 40], [30, 10, 80, 50]], np.float32)
    sheet = Image.open(io.BytesIO(crop_sheet(photo, boxes_xyxy, VIEWS, 64)))
    assert sheet.size == (128, 128)
    tile = np.asarray(sheet.convert("RGB").crop((64, 0, 128, 64)), float)
    crop = square_crops(photo, torch.from_numpy(boxes_xyxy[:1]), 1.2, 64)[0].permute(1, 2, 0).numpy()
    assert np.abs(tile - crop).mean() < 30  # WebP at this quality, on noise
    left, middle = tile[:, :8].mean(), tile[:, 28:36].mean()
    assert left < 10 < middle  # a tall box stands in the middle of black


def test_a_large_photo_becomes_a_thumbnail(random_photo) -> None:
    assert Image.open(io.BytesIO(thumbnail(random_photo(500, 1000)))).size == (384, 192)
    assert Image.open(io.BytesIO(thumbnail(random_photo(30, 40)))).size == (40, 30)


def test_files_stay_small_at_ten_thousand_photos() -> None:
    best, names, numbers = 20, [f"a rather long name {n}" for n in range(1203)], np.random.default_rng(0)
    photo = BrowsedPhoto(
        123456789012,
        "train2017/000000123456.jpg",
        640,
        480,
        PhotoProposals(
            numbers.uniform(100, 999, (best, 4)).astype(np.float32),
            numbers.uniform(0, 7, best).astype(np.float32),
            names[-best:],
            numbers.uniform(0, 1, best).astype(np.float32),
        ),
    )
    layout = BrowserFolder(Path("browser"), 10_000)
    assert layout.shelves == 40 and len(list(layout.chunks(39))) == 10
    labels = {name: label for label, name in enumerate(names)}
    assert layout.shelves * len(script("index", index_entry([photo] * SHELF_PHOTOS, labels))) < 3_000_000
    assert len(script("photos", boxes_entry([photo] * CHUNK_PHOTOS))) < 25_000
    detail = {"names": [[1200, 0.1234]] * 6, "near": [[9999, 19, 0.987]] * 6}
    assert len(script("details", [[detail] * best] * CHUNK_PHOTOS)) < 130_000
    listed = overview(facts(), [Name(name, "base") for name in names], VIEWS, 224)
    assert len(script("overview", listed)) < 50_000
    assert len(render_page(facts())) < 20_000


def test_pages_are_the_same_bytes_again(root: Path, folder: BrowserFolder, tmp_path: Path) -> None:
    browse_by_hand(root, tmp_path)
    assert file_bytes(tmp_path) == file_bytes(folder.root)
    assert folder.is_done(0)


def test_a_shelf_without_one_picture_is_not_done(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path)
    folder.crops(PHOTOS - 1).unlink()
    assert not folder.is_done(0)


def test_no_name_can_end_a_script_or_the_page(folder: BrowserFolder) -> None:
    said = folder.overview.read_text()
    assert value_of(folder.overview)["names"][NAMES.index(HOSTILE)] == HOSTILE
    assert said.count("\n") == 1 and said.isascii()
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
    assert "looked for among 40 of the 60 proposals shown here, evenly spaced." in text


def test_objectness_has_no_entropy() -> None:
    learned = replace(facts(), score=OBJECTNESS)
    text = " ".join(render_page(learned).split())
    assert "Score is the objectness" in text and "entropy, highest first" not in text
    assert "entropy, highest first" in render_page(facts())
    assert not overview(learned, [], VIEWS, 224)["certain"] and overview(facts(), [], VIEWS, 224)["certain"]


def test_the_best_proposals_only(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path, best=1)
    assert {len(scores) for scores in value_of(folder.index(0))["scores"]} == {1}
    assert Image.open(folder.crops(2)).size == (2 * CROP, CROP)
