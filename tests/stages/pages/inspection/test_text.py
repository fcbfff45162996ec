"""Values as people read them."""

from ezsd.stages.pages.inspection.text import histogram_text


def test_histogram_lines():
    lines = histogram_text({"counts": [4, 0, 2], "low": 0.0, "high": 3.0}).splitlines()
    assert [line.count("#") for line in lines] == [40, 0, 20]
    assert lines[1].split() == ["1.00", "to", "2.00", "0"]
    assert histogram_text({"counts": [], "low": 0.0, "high": 1.0}) == ""
