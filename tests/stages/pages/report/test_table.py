"""The table shows the numbers, and what is absent."""

from support.report_numbers import METRICS

from ezsd.stages.pages.report.table import result_table


def test_the_table_is_aligned_markdown():
    lines = result_table(METRICS).splitlines()
    assert "names known" in lines[0] and "world_48_17" in lines[0]
    table = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in table}) == 1
    assert table[0].split() == ["|", "in", "%", "|", "base", "|", "novel", "|", "all", "|"]
    assert table[2].split() == ["|", "AP50", "|", "48.1", "|", "21.6", "|", "41.1", "|"]
    assert table[-1].split() == ["|", "proposal", "recall", "|", "12.9", "|", "63.8", "|", "26.2", "|"]


def test_masks_have_rows_of_their_own():
    groups = {"base": 12.0, "novel": 3.0, "all": 10.0}
    text = result_table({**METRICS, "masks": {"AP50": groups, "AP": groups}})
    assert "| AP50 of masks" in text and "| AP of masks" in text
    assert "of masks" not in result_table(METRICS)


def test_the_table_shows_what_is_absent_and_other_limits():
    groups = {"base": 50.0, "novel": None, "all": 50.0}
    metrics = {
        **METRICS,
        "AP50": groups,
        "data": {**METRICS["data"], "objects": {"base": 5, "novel": 0, "all": 5}},
        "other_max_dets": {"300": {"AP50": groups, "AP": groups}},
    }
    text = result_table(metrics)
    assert "| AP50, at most 300 boxes " in text
    assert "–: the validation photos have no novel objects." in text


def test_the_table_lists_names_without_an_ap():
    names = [f"name {number}" for number in range(12)]
    text = result_table({**METRICS, "names_without_objects": {"base": [], "novel": names}})
    assert "12 of 17 novel names have no object in the validation photos, so no AP: name 0, " in text
    assert text.endswith("name 9 and 2 more.")
    assert "so no AP" not in result_table(METRICS)
