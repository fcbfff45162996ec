"""A detector's card of other making is refused with a sentence, before it takes memory."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.training_workplace import make_trained_workplace

from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.models.detector import CARD, finds_masks, read_detector

HOSTILE: list[Any] = [None, 10**9, "\ud800", [[1]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained detector without its manifest: as if that agreed with whatever the card says."""
    folder = make_trained_workplace(tmp_path_factory.mktemp("card")).root / "artifacts/train"
    (folder / "manifest.json").unlink()
    return folder


def places(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield above
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from places(value, (*above, key))


def replaced(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(tree)
    changed[place[0]] = replaced(tree[place[0]], place[1:], value)
    return changed


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_any_value_anywhere_is_a_detector_or_a_sentence(folder: Path, value: Any, no_network: None) -> None:
    text = (folder / CARD).read_text()
    try:
        for place in places(json.loads(text)):
            (folder / CARD).write_text(json.dumps(replaced(json.loads(text), place, value)))
            for read in (read_detector, finds_masks):
                try:
                    read(folder)
                except ArtifactError:
                    continue
    finally:
        (folder / CARD).write_text(text)


def test_sizes_that_the_weights_do_not_have_take_no_memory(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["config"]["box_head"]["width"] = 10**9
    text = (folder / CARD).read_text()
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=r"do not fit the detector's config \(size mismatch"):
        read_detector(folder)
    (folder / CARD).write_text(text)
