"""Whatever stands in a params file or after `--set`, a wrong value is one short sentence."""

import pytest

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.pipeline.params.tree import load_yaml


@pytest.mark.parametrize(
    "override, words",
    [
        ("run.workers=2001-99-99", r"--set 'run\.workers=2001-99-99': the value is not YAML \(month"),
        ("run.workers=" + "[" * 5000, "nested more than 50 levels"),
        ("run.workers=" + "9" * 10_000, "the value is not YAML"),
        (".".join(["run"] * 5000) + "=1", "holds a value|no section"),
        ("run.stores=" + "x" * 1_000_000, r"run\.stores: .* got 'xxx"),
        ('teacher.model="\\ud800"', "not valid Unicode"),
    ],
)
def test_an_impossible_override_is_one_short_sentence(override, words):
    with pytest.raises(ParamsError, match=words) as raised:
        parse_params(preset_text("demo"), [override])
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize("text", ["[" * 5000, "a: 2001-99-99", "&a [*a]"])
def test_a_file_that_cannot_be_parsed_says_why(text):
    with pytest.raises(ParamsError, match=r"params\.yaml is not YAML \("):
        parse_params(text)


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
