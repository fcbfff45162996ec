import dataclasses

import pytest

from ezsd.errors import InputError
from ezsd.split import Split, builtin_split


def test_names_are_base_then_novel():
    split = Split("own", base=("cat", "dog"), novel=("cow",))
    assert split.names == ("cat", "dog", "cow")
    assert split.names[: len(split.base)] == split.base


def test_split_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Split("own", ("cat",), ("dog",)).base = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("base", "novel", "message"),
    [
        ((), ("dog",), "no base name"),
        (("cat",), (), "no novel name"),
        (("cat", "cat"), ("dog",), "'cat' is listed twice in base"),
        (("cat",), ("dog", "dog"), "'dog' is listed twice in novel"),
        (("cat", "cow"), ("dog", "cow"), "'cow' stands in both base and novel"),
        (("cat", " "), ("dog",), "empty or not text"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(base, novel, message):
    with pytest.raises(InputError, match=message):
        Split("own", base, novel)


def test_coco_split_is_the_usual_48_and_17():
    split = builtin_split("coco_48_17")
    assert (len(split.base), len(split.novel)) == (48, 17)
    assert {"person", "toothbrush"} <= set(split.base)
    assert {"airplane", "scissors"} <= set(split.novel)


@pytest.mark.parametrize(
    ("number", "novel"),
    [
        (1, ("bird", "bus", "cow", "motorbike", "sofa")),
        (2, ("aeroplane", "bottle", "cow", "horse", "sofa")),
        (3, ("boat", "cat", "motorbike", "sheep", "sofa")),
    ],
)
def test_voc_splits_share_twenty_names(number, novel):
    split = builtin_split(f"voc_15_5_{number}")
    assert split.novel == novel
    assert len(split.base) == 15
    assert set(split.names) == set(builtin_split("voc_15_5_1").names)


def test_unknown_builtin_split_lists_the_known():
    with pytest.raises(InputError, match=r"'coco'.*coco_48_17"):
        builtin_split("coco")
