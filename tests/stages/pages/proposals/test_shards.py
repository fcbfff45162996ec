"""A shard is written whole, each file with the content that its name promises, and the same again."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.browsed_runs import (
    CROP,
    PHOTOS,
    VIEWS,
    browse_by_hand,
    count_of,
    facts,
    label_of,
    score_of,
    value_of,
)
from support.teacher_runs import file_bytes

from ezsd.stages.pages.mined import PhotoProposals
from ezsd.stages.pages.proposals.page import (
    CHUNK_PHOTOS,
    SHARD_PHOTOS,
    BrowserFolder,
    Name,
    overview,
    render_page,
    script,
)
from ezsd.stages.pages.proposals.shards import (
    BrowsedPhoto,
    boxes_entry,
    crop_sheet,
    index_entry,
    thumbnail,
)
from ezsd.teacher.crops import square_crops


def test_pages_are_the_same_bytes_again(root: Path, folder: BrowserFolder, tmp_path: Path) -> None:
    browse_by_hand(root, tmp_path)
    assert file_bytes(tmp_path) == file_bytes(folder.root)
    assert folder.is_done(0)


def test_a_shard_without_one_picture_is_not_done(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path)
    folder.crops(PHOTOS - 1).unlink()
    assert not folder.is_done(0)


def test_the_best_proposals_only(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path, best=1)
    assert {len(scores) for scores in value_of(folder.index(0))["scores"]} == {1}
    assert Image.open(folder.crops(2)).size == (2 * CROP, CROP)


def test_the_index_has_id_name_and_score_of_every_proposal(folder: BrowserFolder) -> None:
    index = value_of(folder.index(0))
    assert index["ids"] == list(range(100, 100 + PHOTOS))
    for photo in range(PHOTOS):
        ranks = range(count_of(photo))
        assert index["labels"][photo] == [label_of(photo, rank) for rank in ranks]
        assert index["scores"][photo] == pytest.approx([score_of(photo, rank) for rank in ranks], abs=1e-4)


def test_boxes_are_in_chunks_of_their_photos(folder: BrowserFolder) -> None:
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
    folder = BrowserFolder(Path("browser"), 10_000)
    assert folder.shards == 40 and len(list(folder.chunks(39))) == 10
    labels = {name: label for label, name in enumerate(names)}
    assert folder.shards * len(script("index", index_entry([photo] * SHARD_PHOTOS, labels))) < 3_000_000
    assert len(script("photos", boxes_entry([photo] * CHUNK_PHOTOS))) < 25_000
    detail = {"names": [[1200, 0.1234]] * 6, "near": [[9999, 19, 0.987]] * 6}
    assert len(script("details", [[detail] * best] * CHUNK_PHOTOS)) < 130_000
    listed = overview(facts(), [Name(name, "base") for name in names], VIEWS, 224)
    assert len(script("overview", listed)) < 50_000
    assert len(render_page(facts())) < 20_000


def test_the_sheet_holds_the_crops_that_the_teacher_saw(random_photo) -> None:
    photo = random_photo(60, 90)
    boxes_xyxy = np.array([[0, 0, 20, 40], [30, 10, 80, 50]], np.float32)
    sheet = Image.open(io.BytesIO(crop_sheet(photo, boxes_xyxy, VIEWS, 64)))
    assert sheet.size == (128, 128)
    tile = np.asarray(sheet.convert("RGB").crop((64, 0, 128, 64)), float)
    crop = square_crops(photo, torch.from_numpy(boxes_xyxy[:1]), 1.2, 64)[0].permute(1, 2, 0).numpy()
    assert np.abs(tile - crop).mean() < 30  # WebP at this quality, on noise
    left, middle = tile[:, :8].mean(), tile[:, 28:36].mean()
    assert left < 10 < middle  # a tall box is padded with black on both sides


def test_a_large_photo_becomes_a_thumbnail(random_photo) -> None:
    assert Image.open(io.BytesIO(thumbnail(random_photo(500, 1000)))).size == (384, 192)
    assert Image.open(io.BytesIO(thumbnail(random_photo(30, 40)))).size == (40, 30)
