"""`compare` puts comparable results into one table, and keeps others apart."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.report_numbers import METRICS
from typer.testing import CliRunner

from ezsd.evaluation.groups import GROUPS
from ezsd.pipeline.data.views import LVIS_SPLITS
from ezsd.split import BUILTIN_SPLITS
from ezsd.stages.commands.main import app, main
from ezsd.stages.pages.comparison import MEASURES, read_published

NOTHING = dict.fromkeys(GROUPS)
SVG = "{http://www.w3.org/2000/svg}"


def metrics(**changes: Any) -> dict[str, Any]:
    """What `eval` says of a COCO run, as far as it matters here; `photos` and `split` are of `data`."""
    data = {
        "format": "coco",
        "split": "coco_48_17",
        "photos": 4836,
        "categories": {"base": 48, "novel": 17, "all": 65},
        "objects": {"base": 9, "novel": 1, "all": 10},
    }
    return {
        **METRICS,
        "protocol": "names known",
        "max_dets": 100,
        "AP50": {"base": 58.125, "novel": 30.25, "all": 51.0},
        "AP": {"base": 35.0, "novel": None, "all": 35.0},
        **{key: value for key, value in changes.items() if key not in data},
        "data": {**data, **{key: value for key, value in changes.items() if key in data}},
    }  # fmt: skip


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of runs: a and b alike, others that differ from a in one thing each."""
    monkeypatch.chdir(tmp_path)
    differing: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {
            "AP50": {"base": 50.0, "novel": 20.0, "all": 40.0},
            "masks": {"AP50": NOTHING, "AP": {**NOTHING, "base": 30.0}, "AP75": NOTHING},
        },
        "strict": {"protocol": "strict"},
        "few": {"photos": 79},
        "own": {"split": "own"},
        "rare": {"split": "lvis_866_337", "format": "lvis"},
    }
    for name, changes in differing.items():
        folder = Path(name) / "artifacts/evaluate"
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics(**changes)))


def say(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["compare", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def as_json(*arguments: str) -> dict[str, Any]:
    return json.loads(say(*arguments, "--json"))


def cells(text: str, name: str) -> list[str]:
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_runs_stand_beside_what_was_published_under_their_protocol() -> None:
    text = say("a", "b/artifacts/evaluate/metrics.json")
    assert "## coco_48_17, names known" in text and "4,836 photos" in text
    assert cells(text, "in %")[1:4] == ["AP50 base", "AP50 novel", "AP50 all"]
    assert cells(text, "a") == ["a", "58.1", "30.2", "51.0", "35.0", "35.0", "–"]
    assert cells(text, "b/artifacts/evaluate/metrics.json")[1:] == [
        "50.0",
        "20.0",
        "40.0",
        "35.0",
        "35.0",
        "30.0",
    ]
    assert cells(text, "EZSD / EZAD R50 (recalled)")[1:4] == ["59.9", "31.6", "52.1"]
    assert "https://arxiv.org/abs/2303.12145" in text


def test_what_was_published_under_another_protocol_is_named_but_not_in_the_table() -> None:
    text = say("a")
    assert not [line for line in text.splitlines() if line.startswith(("| HD-OVD", "| ViLD"))]
    (left_out,) = [line for line in text.splitlines() if line.startswith("Left out")]
    assert "HD-OVD R50" in left_out and "ViLD R50" in left_out and "--mixed" in left_out
    assert "F-VLM" not in say("own")  # nothing is published on it


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("strict", "protocol: names known, strict"),
        ("few", "photos: 4836, 79"),
        ("own", "split: coco_48_17, own"),
    ],
)
def test_runs_that_are_not_comparable_are_refused_by_name(other: str, words: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["compare", "a", "b", other])
    sentence = str(stop.value)
    assert f"a and {other} are not comparable ({words})" in sentence and "--mixed" in sentence


def test_mixed_gives_each_setting_its_own_table() -> None:
    found = as_json("a", "strict", "b", "--mixed")
    assert found["left_out"] == []
    tables = {table["setting"]["protocol"]: table for table in found["tables"]}
    names = {
        protocol: [row["name"] for row in [*table["runs"], *table["published"]]]
        for protocol, table in tables.items()
    }
    assert names["names known"] == ["a", "b", "EZSD / EZAD R50 (recalled)", "LP-OVOD R50"]
    assert names["strict"] == ["strict"]
    assert names[None][0] == "ViLD R50" and len(names[None]) == 23


def test_published_results_are_not_set_beside_other_photos() -> None:
    found = as_json("few")
    assert found["tables"][0]["published"] == []
    assert len(found["left_out"]) == 25


def test_lvis_keeps_boxes_and_masks_apart() -> None:
    text = say("rare", "--mixed")
    assert cells(text, "ViLD R50") == ["ViLD R50", "–", "16.1", "–"]
    assert cells(text, "OADP R50") == ["OADP R50", "20.6", "–", "–"]
    assert cells(text, "BARON R50 (recalled)") == ["BARON R50 (recalled)", "–", "–", "22.6"]


def test_the_file_shows_its_plot_and_both_come_out_the_same_again() -> None:
    assert say("a", "b", "--out", "there/comparison.md") == ""
    text, plot = (Path(f"there/comparison.{suffix}").read_text() for suffix in ("md", "svg"))
    assert "](comparison.svg)" in text and "| EZSD / EZAD R50 (recalled) |" in text
    drawn = ElementTree.fromstring(plot)
    labels = [label.text for label in drawn.iter(f"{SVG}text")]
    assert (labels.count("a"), labels.count("b")) == (2, 3)  # AP50, AP, and AP of masks
    assert labels.count("EZSD / EZAD R50 (recalled)") == 1
    values = [title.text for title in drawn.iter(f"{SVG}title")]
    assert "a: novel 30.2" in values and "EZSD / EZAD R50 (recalled): all 52.1" in values
    say("a", "b", "--out", "there/comparison.md")
    assert (Path("there/comparison.md").read_text(), Path("there/comparison.svg").read_text()) == (text, plot)


def test_a_point_is_at_its_value() -> None:
    say("a", "--out", "a.md")
    circles = {
        circle[0].text: circle for circle in ElementTree.parse("a.svg").iter(f"{SVG}circle") if len(circle)
    }
    # the axis ends at 60: 0 px for 0 and 420 px for 60
    assert float(circles["a: novel 30.2"].get("cx", "")) == pytest.approx(420 * 30.25 / 60, abs=0.06)


def test_a_long_name_is_whole_and_within_the_picture() -> None:
    name = "runs/" + "a-run-with-a-very-long-name-" * 4
    Path("runs").mkdir()
    Path("a").rename(name)
    say(name, "--out", "x.md")
    drawn = ElementTree.parse("x.svg").getroot()
    (label,) = [one for one in drawn.iter(f"{SVG}text") if one.text == name][:1]
    left = float(drawn.get("viewBox", "").split()[0])
    assert float(label.get("x", "")) - 7.5 * len(name) > left  # bold letters of 13 px are narrower than that


def test_the_run_in_the_current_folder_has_the_folders_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("a")
    names = [[run["name"] for run in as_json(path, "../b")["tables"][0]["runs"]] for path in (".", "../a/.")]
    assert names == [["a", "../b"], ["../a", "../b"]]


def test_names_do_not_break_the_table_or_the_plot() -> None:
    Path("a").rename("a|<b>&")
    text = say("a|<b>&", "--out", "x.md")
    assert text == "" and "| a\\|<b>& " in Path("x.md").read_text()
    labels = [label.text for label in ElementTree.parse("x.svg").iter(f"{SVG}text")]
    assert "a|<b>&" in labels


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no artifacts/evaluate/metrics.json"),
        ("{}", "is no metrics.json"),
        (json.dumps({**METRICS, "AP50": {"base": "many"}}), "is no metrics.json"),
        ("[1", "is damaged: it is not valid JSON"),
    ],
)
def test_a_run_without_metrics_gets_one_sentence(content: str | None, words: str) -> None:
    Path("empty").mkdir()
    if content is not None:
        Path("empty/metrics.json").write_text(content)
    with pytest.raises(SystemExit) as stop:
        main(["compare", "a", "empty"])
    assert words in str(stop.value) and "ezsd-cli eval" in str(stop.value)


def test_the_plot_never_replaces_the_table() -> None:
    assert CliRunner().invoke(app, ["compare", "a", "--out", "x.svg"]).exit_code == 2
    assert not Path("x.svg").exists()


def test_every_published_result_is_of_a_known_split_and_has_a_source() -> None:
    for result in read_published():
        assert result.split in (*BUILTIN_SPLITS, *LVIS_SPLITS)
        assert result.protocol in (None, "names known", "strict")
        assert result.url.startswith("https://arxiv.org/abs/") and result.title and result.needs
        assert set(result.values) <= set(MEASURES)
        for groups in result.values.values():
            assert set(groups) <= set(GROUPS) and all(0 < value < 100 for value in groups.values())
