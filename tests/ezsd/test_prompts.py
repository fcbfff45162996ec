import pytest

from ezsd.errors import InputError
from ezsd.prompts import TEMPLATE, fill, spoken


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("person", "person"),
        ("fire_hydrant", "fire hydrant"),
        ("striped fish", "striped fish"),
        (" hot__dog ", "hot dog"),
        ("speaker_(stero_equipment)", "speaker (stereo equipment)"),
        ("tvmonitor", "tv monitor"),
    ],
)
def test_spoken_names(name, words):
    assert spoken(name) == words


def test_the_papers_prompt():
    assert fill(TEMPLATE, "fire_hydrant") == "a photo of a fire hydrant"


def test_braces_in_a_name_stay():
    assert fill("a {}", "b {} c") == "a b {} c"


@pytest.mark.parametrize("template", ["a photo", "{} and {}", ""])
def test_a_template_without_one_place_for_the_name_is_refused(template):
    with pytest.raises(InputError, match="exactly once"):
        fill(template, "cat")
