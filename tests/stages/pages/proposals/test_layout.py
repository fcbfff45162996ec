"""Each file of the browser holds what its name says."""

from pathlib import Path

import numpy as np
import pytest
from support.browsed_runs import (
    PHOTOS,
    VIEWS,
    count_of,
    facts,
    label_of,
    score_of,
    value_of,
)

from ezsd.stages.pages.proposals.layout import (
    CHUNK_PHOTOS,
    SHELF_PHOTOS,
    BrowsedPhoto,
    BrowserFolder,
    boxes_entry,
    index_entry,
    script,
)
from ezsd.stages.pages.proposals.mined import PhotoProposals
from ezsd.stages.pages.proposals.page import Name, overview, render_page


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
