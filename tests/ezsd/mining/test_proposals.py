import pytest

from ezsd.errors import InputError
from ezsd.mining.proposals import known_names, strict_names
from ezsd.split import Split

SPLIT = Split("tiny", base=("cat", "dog"), novel=("bird",))


def test_known_names_are_the_splits():
    names = known_names(SPLIT)
    assert (names.names, names.base_count, names.protocol) == (("cat", "dog", "bird"), 2, "names known")


def test_strict_names_hold_no_novel_name_unless_the_user_lists_it():
    assert strict_names(SPLIT, ()).names == ("cat", "dog")
    names = strict_names(SPLIT, ("animal", "tool"))
    assert (names.names, names.base_count, names.protocol) == (("cat", "dog", "animal", "tool"), 2, "strict")


@pytest.mark.parametrize("extra", [("dog",), ("tool", "tool")])
def test_a_name_twice_is_refused(extra):
    with pytest.raises(InputError, match=repr(extra[-1])):
        strict_names(SPLIT, extra)
