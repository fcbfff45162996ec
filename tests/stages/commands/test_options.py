"""Where a command finds its params, and whether the file or an override is at fault."""

import json
from pathlib import Path

import pytest
from support.report_numbers import METRICS

from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.writing import begin, publish
from ezsd.pipeline import runner
from ezsd.pipeline.errors import ParamsError, PipelineError
from ezsd.pipeline.findings.finding import Finding, facts_of
from ezsd.pipeline.params import parse_params, preset_text
from ezsd.stages.commands.options import open_run, root_of, run_stage
from ezsd.stages.commands.result import show_result
from ezsd.stages.pages.inspection_text import inspect_summary, summary_text


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(preset_text("demo"))
    return path


def test_a_folder_stands_for_the_params_in_it(params: Path) -> None:
    assert open_run(params.parent, None) == open_run(params, None)
    assert root_of(params.parent) == root_of(params) == params.parent


def test_an_override_changes_its_key(params: Path) -> None:
    loaded, _ = open_run(params, ["run.workers=3", "teacher.text_names={cat: tomcat}"])
    assert loaded.run.workers == 3 and loaded.teacher.text_names == {"cat": ("tomcat",)}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("mine.kep=4", "--set 'mine.kep=4': unknown key 'mine.kep'.*did you mean mine.keep"),
        ("mien.keep=4", "--set 'mien.keep=4': there is no section 'mien'.*did you mean mine.keep"),
        ("mine.rpn.backbone.tap=[a]", "--set 'mine.rpn.backbone.tap=.*did you mean mine.rpn.backbone.taps"),
        ("mine.keep=none", "--set 'mine.keep=none': mine.keep: .*got 'none'$"),
        ("mine.zzzzzz=4", "--set 'mine.zzzzzz=4': unknown key 'mine.zzzzzz'.*spelling$"),
        ("keep", "--set 'keep' is not of the form"),
    ],
)
def test_a_mistake_in_set_names_the_override(params: Path, override: str, sentence: str) -> None:
    with pytest.raises(ParamsError, match=f"^{sentence}") as refused:
        open_run(params, ["run.workers=1", override])
    assert "params.yaml" not in str(refused.value)


def test_a_mistake_in_the_file_names_the_file(params: Path) -> None:
    params.write_text(preset_text("demo").replace("  keep:", "  kep:"))
    with pytest.raises(ParamsError, match=r"params\.yaml: "):
        open_run(params, ["run.workers=1"])


@pytest.fixture
def finished_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with an artifact of `mine` that has two findings; running the stage does nothing."""
    folder = tmp_path / "artifacts/mine"
    folder.mkdir(parents=True)
    begin(folder, "mine", {})
    findings = [
        Finding("few-proposals", "proposals per photo", 0.5, 1.0, "mine more"),
        Finding("one-name", "fraction of proposals named 'owl'", 1.0, 0.9, "look at the teacher"),
    ]
    publish(folder, {"proposals": 7}, {"method": "cascade", **facts_of(findings)})
    monkeypatch.setattr(runner, "run_stage", lambda *arguments: True)
    return tmp_path


def test_findings_are_printed_and_stop_unless_allowed(
    finished_mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PipelineError, match=r"one-name to run\.allow"):
        run_stage("mine", parse_params(preset_text("demo")), finished_mine, force=False)
    stopped = capsys.readouterr().err.splitlines()
    run_stage("mine", parse_params(preset_text("demo"), ["run.allow=[one-name]"]), finished_mine, force=False)
    assert (
        capsys.readouterr().err.splitlines()
        == stopped
        == [
            "mine: done",
            "mine: finding few-proposals: proposals per photo 0.5, threshold 1; mine more",
            "mine: finding one-name: fraction of proposals named 'owl' 1, threshold 0.9; look at the teacher",
        ]
    )


def test_inspect_and_result_show_findings(finished_mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = inspect_summary(finished_mine)["mine"]
    assert state["facts"] == {"method": "cascade"}
    assert [(finding["kind"], finding["number"]) for finding in state["findings"]] == [
        ("few-proposals", 0.5),
        ("one-name", 1.0),
    ]
    assert "\n          finding one-name: fraction" in summary_text({"mine": state})
    write_json_atomic(finished_mine / "artifacts/evaluate/metrics.json", METRICS)
    show_result(finished_mine, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed == {**METRICS, "findings": {"mine": state["findings"]}}
    show_result(finished_mine, as_json=False)
    assert capsys.readouterr().out.endswith(
        "\nmine: finding one-name: fraction of proposals named 'owl' 1, threshold 0.9; look at the teacher\n"
    )


def test_only_findings_that_stop_can_be_allowed(params: Path) -> None:
    with pytest.raises(ParamsError, match=r"run\.allow"):
        open_run(params, ["run.allow=[few-proposals]"])
