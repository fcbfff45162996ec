"""The words for what changed."""

from ezsd.cache.staleness import describe_changes


def test_names_key_and_both_values() -> None:
    old = {"params": {"mine": {"nms_iou": 0.7, "names": ["a"]}}, "code": {"ezsd/teacher/crops.py": "1" * 64}}
    new = {"params": {"mine": {"nms_iou": 0.6, "names": ["a"]}}, "code": {"ezsd/teacher/crops.py": "2" * 64}}
    assert describe_changes(old, new) == "code ezsd/teacher/crops.py changed, params.mine.nms_iou 0.7 -> 0.6"


def test_nothing_differs() -> None:
    assert describe_changes({"params": {"a": [1, {"b": 2}]}}, {"params": {"a": [1, {"b": 2}]}}) == ""


def test_a_key_that_came_or_went() -> None:
    assert describe_changes({"params": {"a": 1}}, {"params": {"b": None}}) == (
        "params.a 1 -> (none), params.b (none) -> None"
    )


def test_a_parent_and_a_weights_hash() -> None:
    old = {"parents": {"prepare": "a" * 64}, "weights": "b" * 64}
    new = {"parents": {"prepare": "c" * 64}, "weights": "d" * 64}
    assert describe_changes(old, new) == "parent prepare was re-made, weights bbbbbbbb -> dddddddd"


def test_code_as_one_digest() -> None:
    assert describe_changes({"code": "a"}, {"code": "b"}) == "code changed"


def test_many_changes_are_counted() -> None:
    old = {"params": {f"key{number}": 0 for number in range(9)}}
    new = {"params": {f"key{number}": 1 for number in range(9)}}
    text = describe_changes(old, new)
    assert text.startswith("params.key0 0 -> 1, params.key1 0 -> 1")
    assert text.endswith("params.key5 0 -> 1, and 3 more")


def test_long_values_are_cut() -> None:
    assert len(describe_changes({"names": "x" * 500}, {"names": "y"})) < 80
