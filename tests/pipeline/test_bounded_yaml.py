"""YAML that would take all memory, all stack or nobody's calendar ends in a ValueError."""

import pytest

from ezsd.pipeline.bounded_yaml import load_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_plain_values_and_modest_aliases_are_read():
    assert load_yaml("a: &a {b: [1, 2.5, null, true]}\nc: *a\nd: {<<: *a, e: x}") == {
        "a": {"b": [1, 2.5, None, True]},
        "c": {"b": [1, 2.5, None, True]},
        "d": {"b": [1, 2.5, None, True], "e": "x"},
    }


@pytest.mark.parametrize(
    "text, words",
    [
        (BOMB, "aliases make more than 100,000"),
        ("&a [*a]", "an alias holds itself"),
        ("[" * 5000, "nested more than 50 levels"),
        ("".join(" " * level + "a:\n" for level in range(3000)), "nested more than 50 levels"),
        ("a: 2001-99-99", "month must be in 1..12"),
        ("9" * 10_000, "digits"),
        ('"\\ud800"', "not valid Unicode"),
        ("a:\n  - b\n c", "line 3"),
        ("!!python/object:os.system x", "line 1"),
        ("? [a]\n: b", "line 1"),
        ("\0", "unacceptable character"),
        ("a: 1\n---\nb: 2", "line 2"),
    ],
)
def test_what_cannot_be_read_says_why(text, words):
    with pytest.raises(ValueError, match=words):
        load_yaml(text)
