"""Results of benchmarks on disk, and as a table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.provenance import Machine, Revision, this_machine
from benchmarks.record import Measurement, Result, Target, ratio, read_results, write_result
from benchmarks.table import HEADER, PAGE, markdown_table, page, table_rows

MACHINE = Machine("A CPU", 2, 8.0, None, "3.12.0", "2.9.0")
RESULT = Result(
    "cache",
    7,
    [Measurement("cache.kb", 300.0, "KB", 1200.0), ratio("cache.bytes_vs_json", 0.25, Target("<=", 0.11))],
    {"photos": 3},
    MACHINE,
    Revision("0123456789abcdef", True),
)


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_result(RESULT, tmp_path)
    assert read_results(tmp_path) == [RESULT]


def test_the_page_is_that_of_the_results_that_are_kept() -> None:
    assert PAGE.read_text() == page(read_results())


def test_the_file_holds_provenance_and_numbers_by_name(tmp_path: Path) -> None:
    tree = json.loads(write_result(RESULT, tmp_path).read_text())
    assert tree["commit"] == "0123456789abcdef" and tree["dirty"] is True and tree["seed"] == 7
    assert tree["machine"]["cores"] == 2
    assert tree["results"] == [
        {
            "metric": "cache.kb",
            "value": 300.0,
            "unit": "KB",
            "baseline": 1200.0,
            "ratio": 0.25,
            "target": None,
        },
        {
            "metric": "cache.bytes_vs_json",
            "value": 0.25,
            "unit": "x",
            "baseline": 1.0,
            "ratio": 0.25,
            "target": "<= 0.11",
        },
    ]


def test_the_machine_is_described_without_its_name() -> None:
    machine = this_machine()
    assert machine.cores >= 1 and machine.memory_gib > 0 and machine.cpu
    assert not hasattr(machine, "node")


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [(Target("<=", 0.1), 0.1, True), (Target("<=", 0.1), 0.11, False), (Target(">=", 2), 2.5, True)],
)
def test_a_target_is_met_at_its_bound_and_beyond(target: Target, value: float, met: bool) -> None:
    assert target.is_met(value) is met
    assert Target.parse(str(target)) == target


def test_the_table_begins_with_metrics_that_have_a_target_and_whether_it_was_met() -> None:
    rows = table_rows([RESULT])
    assert rows[0] == (
        "cache.bytes_vs_json",
        "0.25",
        "x",
        "1",
        "0.25",
        "<= 0.11",
        "MISSED",
        "0123456789 and changes",
    )
    assert rows[1] == ("cache.kb", "300", "KB", "1,200", "0.25", "", "", "0123456789 and changes")


def test_a_table_without_rows_is_its_header() -> None:
    assert len(markdown_table(HEADER, []).splitlines()) == 2


def test_the_page_lists_each_machine_once() -> None:
    text = page([RESULT, replace(RESULT, name="crops")])
    assert text.count("A CPU") == 1 and "- cache, crops: A CPU, 2 cores" in text
