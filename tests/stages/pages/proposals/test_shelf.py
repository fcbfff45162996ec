"""A shelf is written whole, and the same again."""

from pathlib import Path

from PIL import Image
from support.browsed_runs import (
    CROP,
    PHOTOS,
    browse_by_hand,
    value_of,
)
from support.teacher_runs import file_bytes

from ezsd.stages.pages.proposals.layout import (
    BrowserFolder,
)


def test_pages_are_the_same_bytes_again(root: Path, folder: BrowserFolder, tmp_path: Path) -> None:
    browse_by_hand(root, tmp_path)
    assert file_bytes(tmp_path) == file_bytes(folder.root)
    assert folder.is_done(0)


def test_a_shelf_without_one_picture_is_not_done(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path)
    folder.crops(PHOTOS - 1).unlink()
    assert not folder.is_done(0)


def test_the_best_proposals_only(root: Path, tmp_path: Path) -> None:
    folder = browse_by_hand(root, tmp_path, best=1)
    assert {len(scores) for scores in value_of(folder.index(0))["scores"]} == {1}
    assert Image.open(folder.crops(2)).size == (2 * CROP, CROP)
