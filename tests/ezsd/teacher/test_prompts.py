import pytest

from ezsd.errors import InputError
from ezsd.teacher.prompts import TEMPLATE, Prompts, article, fill, spoken


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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cat", "a"),
        ("umbrella", "an"),
        ("Easel", "an"),
        ("unicycle", "a"),
        ("ukulele", "a"),
        ("utensil", "a"),
        ("unmade bed", "an"),
        ("hourglass", "an"),
        ("house", "a"),
        ("one-armed bandit", "a"),
        ("onesie", "a"),
    ],
)
def test_the_article_goes_by_the_sound(words, expected):
    assert article(words) == expected


def test_a_template_may_ask_for_the_article():
    assert fill("there is {article} {}.", "orange_cup") == "there is an orange cup."
    assert fill("there is {article} {}.", "a {article} b") == "there is an a {article} b."


def test_a_name_is_read_as_the_user_says_and_in_every_template():
    prompts = Prompts(["a {}", "the {}"], {"couch": ["couch", "long_sofa"], "tvmonitor": ["television"]})
    assert prompts.texts("couch") == ["a couch", "the couch", "a long sofa", "the long sofa"]
    assert prompts.texts("tvmonitor") == ["a television", "the television"]
    assert prompts.texts("hot_dog") == ["a hot dog", "the hot dog"]


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "", "{name}", "{artcle} {}"])
def test_a_template_that_cannot_be_filled_is_refused(template):
    with pytest.raises(InputError, match=r"exactly once|only \{\} and \{article\}"):
        Prompts(["a {}", template])
