"""Which photos are on the page."""

from ezsd.stages.pages.report.pictures import evenly_spaced


def test_evenly_spaced_choices():
    assert evenly_spaced(list(range(10)), 3) == [0, 3, 6]
    assert evenly_spaced([5, 6], 3) == [5, 6]
    assert evenly_spaced([], 3) == []
