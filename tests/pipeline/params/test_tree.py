"""Whatever stands in a params file or after `--set`, a wrong value is one short sentence."""

import pytest

from ezsd.pipeline.errors import ParamsError
from ezsd.pipeline.params import parse_params, preset_text


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
