"""Which photos are held out: every name is scored if it can be, and every base name learned."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.errors import DataError
from ezsd.pipeline.hold_out import choose_held, divide, hold_out
from ezsd.split import Split

SPLIT = Split("own", ("mug", "cake fork"), ("spoon", "forklift"))


@pytest.fixture
def tree() -> dict[str, Any]:
    """Ten photos, each with a mug and, on the first three, a spoon."""
    owners = [*((number, 0) for number in range(10)), *((number, 1) for number in range(3))]
    return {
        "info": {"year": 2025},
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 9, "height": 9} for n in range(10)],
        "annotations": [
            {"id": place, "image_id": image, "category_id": category, "bbox": [0, 0, 4, 4],
             "segmentation": [[0, 0, 4, 0, 4, 4]]}
            for place, (image, category) in enumerate(owners)
        ],
        "categories": [{"id": 0, "name": "mug"}, {"id": 1, "name": "spoon"}, {"id": 2, "name": "cake fork"}],
    }  # fmt: skip


def coco(tree: dict[str, Any], folder: Path) -> CocoFile:
    (folder / "boxes.json").write_text(json.dumps(tree))
    return CocoFile(folder / "boxes.json")


def ids(tree: Any) -> set[int]:
    return {image["id"] for image in tree["images"]}


def test_each_photo_is_on_one_side_with_all_its_boxes_as_they_were(
    tree: dict[str, Any], tmp_path: Path
) -> None:
    parts = hold_out(coco(tree, tmp_path), SPLIT, 0.3, seed=0)
    assert len(ids(parts.val)) == 3 and ids(parts.train) | ids(parts.val) == set(range(10))
    for part in (parts.train, parts.val):
        assert part["annotations"] == [row for row in tree["annotations"] if row["image_id"] in ids(part)]
        assert part["categories"] == tree["categories"] and part["info"] == tree["info"]
    assert parts.unscored == ("cake fork", "forklift")


def test_the_seed_decides_and_the_order_of_the_file_does_not(tree: dict[str, Any], tmp_path: Path) -> None:
    held = [ids(hold_out(coco(tree, tmp_path), SPLIT, 0.3, seed).val) for seed in range(6)]
    assert len({frozenset(one) for one in held}) > 1
    turned = tree | {"annotations": tree["annotations"][::-1], "images": tree["images"][::-1]}
    assert [ids(hold_out(coco(turned, tmp_path), SPLIT, 0.3, seed).val) for seed in range(6)] == held


def test_a_rare_name_keeps_a_validation_photo_and_a_training_photo() -> None:
    names = {number: {"common"} for number in range(50)} | {50: {"rare", "common"}, 51: {"rare"}}
    for seed in range(20):
        held = choose_held(names, {"common", "rare"}, 0.1, seed)
        assert len(held & {50, 51}) == 1 and len(held) == 5


def test_the_only_photo_of_a_novel_name_is_for_validation_and_that_of_a_base_name_for_training() -> None:
    names = {1: {"base"}, 2: {"novel"}, 3: {"common"}, 4: {"common"}}
    held = choose_held(names, {"base", "common"}, 0.5, 0)
    assert 2 in held and 1 not in held


@given(
    st.dictionaries(st.integers(0, 40), st.sets(st.sampled_from("abcdef")), min_size=2, max_size=25),
    st.sets(st.sampled_from("abcdef"), min_size=1),
    st.floats(0.05, 0.9),
    st.integers(0, 5),
)
def test_a_name_is_unscored_only_if_scoring_it_would_leave_a_base_name_nothing_to_learn(
    names: dict[int, set[str]], base: set[str], fraction: float, seed: int
) -> None:
    held = choose_held(names, base, fraction, seed)
    training = [names[number] for number in names if number not in held]

    def is_last(number: int) -> bool:
        return any(sum(name in own for own in training) == 1 for name in names[number] & base)

    for name in set().union(*names.values()):
        where = [number for number in names if name in names[number]]
        if name in base:
            assert any(number not in held for number in where)
        assert held & set(where) or all(is_last(number) for number in where)
    free = [number for number in names if number not in held and not is_last(number)]
    assert len(held) >= max(1, round(fraction * len(names))) or not free


def test_a_division_needs_photos_on_both_sides(tree: dict[str, Any], tmp_path: Path) -> None:
    file = coco(tree, tmp_path)
    for held in (frozenset[int](), frozenset(range(10))):
        with pytest.raises(DataError, match="both need some"):
            divide(file, SPLIT, held)
    one = coco(tree | {"images": tree["images"][:1], "annotations": tree["annotations"][:1]}, tmp_path)
    with pytest.raises(DataError, match="lists one photo"):
        hold_out(one, SPLIT, 0.2, 0)
