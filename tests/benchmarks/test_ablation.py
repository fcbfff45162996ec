"""The ablation: its rows, its maths by hand, its processes, and the whole at a tiny size."""

import json
import math
import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.ablation.carry import carry
from benchmarks.ablation.chart import curve_chart, rounded_up
from benchmarks.ablation.page import results_page, results_table
from benchmarks.ablation.plan import PARTS, WHOLE, Run, plan_runs, run_params
from benchmarks.ablation.processes import for_each
from benchmarks.ablation.publish import publish
from benchmarks.ablation.rows import (
    BEYOND,
    CEILING,
    CLIP,
    ENSEMBLE,
    EZSD,
    IDEAS,
    NO_RENORM,
    ORACLE_BOXES,
    ORACLE_NAMES,
    ORACLE_PROPOSALS,
    ORACLES,
    PROBING,
    PSEUDO,
    RENORM,
    ROWS,
    SUPERVISED,
    VILD,
    WITHOUT,
    Row,
    rows_named,
)
from benchmarks.ablation.runs import plan_all, read_current, run_all
from benchmarks.ablation.scores import Outcome, Outcomes, Scores, read_outcome
from benchmarks.ablation.summary import CurvePoint, Gain, curve, gain, measure, spread, steps_to_reach
from benchmarks.ablation.true_names import TrueNameHeads, Truth
from benchmarks.ablation.workplace import Workplace, fingerprints
from ezsd.cache.artifacts import Mined
from ezsd.cache.index import read_index
from ezsd.detector.detector import build_detector
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.data.views import read_full_annotations
from ezsd.pipeline.errors import ParamsError, PipelineError
from ezsd.pipeline.evaluation_files import EvaluationFolder

# the method's name in the rows -> a fast stand-in, for the tests that train
TINY = (
    "data.world.train=12",
    "data.world.val=4",
    "prepare.photos_per_shard=8",
    "renorm.method=none",
    "mine.method=exhaustive",
    "mine.stride=512",
    "mine.scales=[1]",
    "mine.photos_per_shard=8",
    "mine.keep=4",
    "train.schedule.epochs=1",
    "train.schedule.decay_epochs=[1]",
    "train.schedule.warmup_steps=1",
    "run.device=cpu",
)


def overrides_of(row: Row) -> dict[str, str]:
    return dict(override.split("=", 1) for override in row.overrides)


@pytest.mark.parametrize(
    ("row", "other", "changed"),
    [
        (VILD, RENORM, {"renorm.method", "embed.crops"}),
        (RENORM, CLIP, {"mine.method", "train.examples.proposal_weights"}),
        (CLIP, EZSD, {"train.detector.box_head.regressor"}),
        (EZSD, NO_RENORM, {"renorm.method", "embed.crops"}),
        (EZSD, ORACLE_PROPOSALS, set()),
    ],
)
def test_rows_differ_in_one_idea(row: Row, other: Row, changed: set[str]) -> None:
    one, another = overrides_of(row), overrides_of(other)
    assert one.keys() == another.keys()
    assert {key for key in one if one[key] != another[key]} == changed


def test_a_row_without_an_idea_has_the_two_others() -> None:
    for idea, row in WITHOUT.items():
        assert set(row.ideas) == set(IDEAS) - {idea} and row.seeds == EZSD.seeds


def test_vild_is_trained_as_vild_is() -> None:
    params = run_params(Run(VILD, 0), ())
    assert (params.renorm.method, params.mine.method, params.embed.crops) == ("none", "rpn", "multi")
    assert params.train.detector.box_head.regressor == "plain"
    assert params.train.examples.proposal_weights == "equal"
    assert params.train.loss_factors["distillation"] == 0.5


def test_only_the_supervised_row_distills_nothing() -> None:
    for row in ROWS:
        params = run_params(Run(row, 0), ()).train
        distills = params.examples.proposals_per_image > 0 and params.loss_factors["distillation"] > 0
        assert distills == (row != SUPERVISED)


def test_a_run_that_stops_early_leaves_whole_seeds() -> None:
    runs = plan_runs(ROWS, None, PARTS)
    assert len(runs) == len({run.name for run in runs}) == 10 * 5 + 3 * 3 + 1 + 2 * len(PARTS) * 5
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    assert {run.row for run in runs if run.part != WHOLE} == {VILD, EZSD}
    assert plan_runs((EZSD, CEILING), [1], ()) == [Run(EZSD, 1)]


def test_a_shorter_run_keeps_the_proportions_of_its_schedule() -> None:
    schedule = tuple(
        f"train.schedule.{one}" for one in ("epochs=6", "decay_epochs=[4, 5]", "warmup_steps=200")
    )
    parts = (WHOLE, Fraction(1, 10))
    whole, tenth = (run_params(Run(SUPERVISED, 2, part), schedule).train for part in parts)
    assert (whole.seed, tenth.seed) == (2, 2)
    whole, tenth = whole.schedule, tenth.schedule
    assert (whole.epochs, whole.decay_epochs, whole.warmup_steps) == (6, (4, 5), 200)
    assert tenth.epochs == pytest.approx(0.6) and tenth.decay_epochs == pytest.approx((0.4, 0.5))
    assert tenth.warmup_steps == 20
    assert tenth.learning_rate == whole.learning_rate


def test_an_unknown_row_is_named_with_the_known_ones() -> None:
    assert rows_named(["ezsd", "vild"]) == (EZSD, VILD)
    with pytest.raises(ParamsError, match=r"'best'.*supervised, vild"):
        rows_named(["vild", "best"])


def test_runs_share_what_their_params_and_code_agree_in() -> None:
    def of(row: Row, seed: int = 0, *overrides: str) -> dict[str, str]:
        return fingerprints(row.stages, run_params(Run(row, seed), overrides))

    def shared(one: dict[str, str], other: dict[str, str]) -> set[str]:
        return {stage for stage in one if one[stage] == other[stage]}

    precomputed = {"prepare", "renorm", "mine", "embed", "pseudo"}
    assert shared(of(VILD), of(VILD, 1)) == precomputed == shared(of(VILD), of(SUPERVISED))
    assert shared(of(VILD), of(VILD, 0, "data.world.train=601")) == set()
    assert shared(of(EZSD), of(ORACLE_PROPOSALS)) == {"prepare", "renorm"}
    for row in (ORACLE_NAMES, CEILING, ENSEMBLE, PROBING):
        assert shared(of(EZSD), of(row)) == {*precomputed, "train"}
    assert shared(of(EZSD), of(PSEUDO)) == precomputed - {"pseudo"}


def points_at(*points: tuple[int, float]) -> list[CurvePoint]:
    return [CurvePoint(steps, (mean - 1, mean + 1)) for steps, mean in points]


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        (4.0, 90),  # below the first point: nothing was measured before it
        (5.0, 90),
        (7.5, 120),  # half of the way from 90 to 150
        (10.0, 150),
        (12.0, 450),  # on the last stretch, 9 to 18, a third: 300 + 0.5 * 300 = 450
        (18.5, None),
    ],
)
def test_steps_to_reach_a_value(target: float, steps: float | None) -> None:
    points = points_at((90, 5.0), (150, 10.0), (300, 6.0), (600, 18.0))
    assert steps_to_reach(points, target) == (None if steps is None else pytest.approx(steps))


def test_spread_is_the_sample_deviation() -> None:
    assert str(spread([1.0, 2.0, 3.0])) == "2.0 ± 1.0"
    assert str(spread([4.0])) == "4.0"


def outcome(steps: int, base: float, novel: float) -> Outcome:
    scores = {"base": base, "novel": novel, "all": (base + novel) / 2}
    return Outcome(
        fingerprint="f",
        commit="0123456789",
        cpu="A CPU",
        seconds=360.0,
        steps=steps,
        protocol="names known",
        AP50=scores,
        AP={group: value / 2 for group, value in scores.items()},
        teacher_accuracy={"raw": scores, "renormalized": scores},
        student={"naming": scores},
        proposal_recall=scores,
    )


HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
BY_HAND: Outcomes = {
    Run(SUPERVISED, 0): outcome(900, 40.0, 2.0),
    Run(VILD, 0): outcome(900, 30.0, 9.0),
    Run(VILD, 1): outcome(900, 34.0, 11.0),  # mean 10
    Run(EZSD, 0): outcome(900, 29.0, 14.0),
    Run(EZSD, 1): outcome(900, 31.0, 16.0),  # mean 15
    Run(NO_RENORM, 0): outcome(900, 29.0, 8.0),
    Run(NO_RENORM, 1): outcome(900, 31.0, 12.0),  # EZSD gains 6 and 4
    Run(CLIP, 0): outcome(900, 29.0, 15.0),
    Run(CLIP, 1): outcome(900, 31.0, 13.0),  # EZSD gains -1 and 3
    Run(ENSEMBLE, 0): outcome(900, 36.25, 17.5),  # over EZSD with this seed: 1.25 times
    Run(ORACLE_BOXES, 0): outcome(900, 31.0, 20.0),
    Run(VILD, 0, HALF): outcome(450, 20.0, 5.0),
    Run(EZSD, 0, HALF): outcome(450, 27.0, 12.0),
    Run(EZSD, 0, QUARTER): outcome(225, 22.0, 8.0),
}


def test_the_metrics_by_hand() -> None:
    values = {one.metric: (one.value, one.verdict) for one in measure(BY_HAND)}
    assert values == {
        "ablation.novel_ap50_ratio": (pytest.approx(15 / 10), "met"),
        # over the seeds that both rows have
        "ablation.base_ap50_ratio": (pytest.approx(29 / 40), "MISSED"),
        # 8 at 225 steps, 12 at 450: 10 at 337.5 of 900
        "ablation.step_ratio": (pytest.approx(0.375), "MISSED"),
        "ablation.oracle_share": (pytest.approx(14 / 20), "MISSED"),
        "ablation.gain.renorm": (pytest.approx(5), "met"),
        # of 6 and 4 the deviation is sqrt(2), the error of the mean 1
        "ablation.gain.renorm.standard_error": (pytest.approx(1), ""),
        "ablation.gain.regressor": (pytest.approx(1), "MISSED"),
        "ablation.gain.regressor.standard_error": (pytest.approx(2), ""),
        "ablation.beyond.novel_ap50_ratio": (pytest.approx(1.25), "met"),
        "ablation.beyond.base_ap50_ratio": (pytest.approx(1.25), "met"),
        "ablation.hours": (pytest.approx(14 * 0.1 / 2), "met"),
    }


def test_a_value_that_was_never_reached_is_a_missed_one() -> None:
    weak = {
        run: replace(one, AP50={"base": 1, "novel": 40.0}) if run.row == VILD else one
        for run, one in BY_HAND.items()
    }
    step_ratio = {one.metric: one for one in measure(weak)}["ablation.step_ratio"]
    assert step_ratio.value is None and step_ratio.verdict == "MISSED"


def test_nothing_is_measured_without_its_rows() -> None:
    assert measure({}) == []
    one_seed = {Run(row, 0): outcome(900, 30.0, novel) for row, novel in ((EZSD, 5.0), (CLIP, 4.0))}
    assert {one.metric for one in measure(one_seed)} == {"ablation.gain.regressor", "ablation.hours"}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (Gain(5.0, 1.0, 2), "gains"),
        (Gain(1.0, 2.0, 2), "brings nothing"),
        (Gain(2.0, 1.0, 2), "brings nothing"),
        (Gain(-5.0, 1.0, 2), "costs"),
        (Gain(5.0, None, 1), "one seed: not known"),
    ],
)
def test_a_gain_counts_beyond_two_standard_errors(found: Gain, verdict: str) -> None:
    assert found.verdict == verdict


def test_a_gain_compares_equal_seeds() -> None:
    extra = {**BY_HAND, Run(EZSD, 2): outcome(900, 99.0, 99.0)}
    assert gain(extra, EZSD, CLIP, "novel") == Gain(pytest.approx(1), pytest.approx(2), 2)


def test_the_page_shows_rows_gains_and_where_they_come_from(tmp_path: Path) -> None:
    page = results_page(BY_HAND, 85, "ablation.svg")
    cells = [[cell.strip() for cell in line.split("|")][1:-1] for line in page.splitlines()]
    assert "| 32.0 ± 2.8 " in page and "10.0 ± 1.4" in page and "15.0 ± 1.4" in page
    assert ["EZSD", "225", "8.0", "8.0", "22.0"] in cells  # base AP50 at the end
    assert ["re-normalized CLIP", "+5.0 ± 1.0", "gains", "–", "+0.0 ± 0.0", "2"] in cells
    assert ["semantic regressor", "+1.0 ± 2.0", "brings nothing", "+1.0 ± 2.0", "+0.0 ± 0.0", "2"] in cells
    assert ["CLIP proposals", "–", "", "–", "–", "–"] in cells
    assert ["EZSD + ensemble with the teacher", "+3.5", "one seed: not known", "+7.2", "1"] in cells
    assert "14 of 85 runs are done" in page
    assert "training seeds 0, 1" in page and "A CPU" in page and "make ablation" in page
    publish(BY_HAND, len(BY_HAND), tmp_path / "results", tmp_path / "docs")
    written = {path.name for path in tmp_path.rglob("*.*")}
    assert written == {"ablation.json", "ablation.svg", "results.md"}
    assert "Not finished" not in (tmp_path / "docs/results.md").read_text()


def test_scores_are_kept_until_what_they_depend_on_changes(tmp_path: Path) -> None:
    scores, run = Scores(tmp_path), Run(EZSD, 0, QUARTER)
    assert scores.read(run, "f") is None
    scores.write(run, BY_HAND[run])
    assert scores.read(run, "f") == BY_HAND[run]
    assert scores.read(run, "g") is None and scores.read(Run(EZSD, 0), "f") is None


def test_the_true_name_is_read_for_a_region_on_an_object() -> None:
    detector = build_detector(run_params(Run(EZSD, 0), ()).train.detector, 8)
    detector.set_vocabulary(torch.eye(8)[:5])
    heads = TrueNameHeads.of(detector)
    assert TrueNameHeads.of(detector) is heads
    # the photo is shown at twice its size
    heads.truth = Truth(torch.tensor([[0.0, 0.0, 10.0, 10.0]]), torch.tensor([3]), (20, 40))
    regions = torch.tensor([[0.0, 0.0, 20.0, 20.0], [40.0, 20.0, 60.0, 40.0]])
    logits = torch.zeros(2, 6)
    logits[:, 2] = 1.0
    assert heads.names_to_read(logits, [regions], [(40, 80)]).tolist() == [4, 2]


def test_the_chart_has_a_dot_for_each_seed_and_a_line_for_each_row() -> None:
    curves = {row.title: curve(BY_HAND, row, "novel") for row in (VILD, EZSD)}
    chart = curve_chart(curves)
    assert chart.count("<circle") == 7 and chart.count("<polyline") == 2
    assert [rounded_up(value) for value in (900, 21.4, 0.0, 10)] == [1000, 24, 1, 10]


def test_processes_do_all_items_and_report_each() -> None:
    found: dict[int, int] = {}
    for_each(math.factorial, range(6), 2, found.__setitem__)
    assert found == {number: math.factorial(number) for number in range(6)}


def test_the_error_of_a_task_ends_all() -> None:
    with pytest.raises(ValueError, match="factorial"):
        for_each(math.factorial, [3, -1, 4], 2, lambda item, result: None)


def test_a_process_that_the_system_ended_is_explained() -> None:
    with pytest.raises(PipelineError, match="--workers 1"):
        for_each(os._exit, [9, 9], 2, lambda item, result: None)


TINY_ROWS = (EZSD, *BEYOND, *ORACLES)


@pytest.fixture(scope="module")
def tiny_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcomes]:
    """All kinds of rows at a tiny size, with stand-ins for what would have to be learned."""
    folder = tmp_path_factory.mktemp("ablation")
    return folder, run_tiny(folder)


def run_tiny(folder: Path) -> Outcomes:
    planned = plan_all([Run(row, 0) for row in TINY_ROWS], TINY)
    scores = Scores(folder / "scores")
    run_all(planned, Workplace(folder), scores, workers=1)
    return read_current(planned, scores)


def artifacts(folder: Path, row: Row) -> Path:
    return Workplace(folder).root(Run(row, 0).name) / "artifacts"


def test_all_runs_end_with_scores(tiny_runs: tuple[Path, Outcomes]) -> None:
    folder, outcomes = tiny_runs
    assert {(run.row, one.steps) for run, one in outcomes.items()} == {(row, 6) for row in TINY_ROWS}
    assert len(results_table(outcomes).splitlines()) == 2 + len(TINY_ROWS)
    evaluated = EvaluationFolder(artifacts(folder, EZSD) / "evaluate").metrics
    assert evaluated["AP50"] == outcomes[Run(EZSD, 0)].AP50


def test_the_row_of_the_ensemble_has_its_scores(tiny_runs: tuple[Path, Outcomes], tmp_path: Path) -> None:
    shutil.copytree(artifacts(tiny_runs[0], ENSEMBLE), tmp_path / "artifacts")
    file = tmp_path / "artifacts/evaluate/metrics.json"
    metrics = json.loads(file.read_text())
    metrics["ensemble"]["AP50"] = {"base": 3.0, "novel": 2.0, "all": 2.5}
    file.write_text(json.dumps(metrics))
    file.with_name("manifest.json").unlink()  # it has the checksum of what was measured
    assert read_outcome(tmp_path, "f", 1.0).AP50 == metrics["ensemble"]["AP50"] != metrics["AP50"]


def test_the_oracle_distills_on_the_novel_objects(tiny_runs: tuple[Path, Outcomes]) -> None:
    root = artifacts(tiny_runs[0], ORACLE_PROPOSALS)
    prepared = Prepared(root / "prepare")
    sources = resolve_sources(run_params(Run(EZSD, 0), TINY).data, root.parent, prepared.folder)
    boxes = read_full_annotations(sources, "train", prepared.split).clean.boxes.objects()
    novel = boxes.take(boxes.labels >= len(prepared.split.base))
    found = dict(Mined(root / "mine").boxes_by_photo())
    assert len(novel) and sum(map(len, found.values())) == len(novel)
    for image_id, boxes_xyxy in found.items():
        expected = novel.boxes_xyxy[novel.image_ids == image_id].astype(np.float32)
        assert sorted(boxes_xyxy.tolist()) == sorted(expected.tolist())


def test_an_oracle_trains_on_novel_boxes_too(tiny_runs: tuple[Path, Outcomes]) -> None:
    one, other = (
        read_index(artifacts(tiny_runs[0], row) / "prepare/train.h5") for row in (EZSD, ORACLE_BOXES)
    )
    assert np.array_equal(one.photos.image_ids, other.photos.image_ids)
    assert len(other.boxes) > len(one.boxes)


def test_the_ceiling_detects_the_true_boxes(tiny_runs: tuple[Path, Outcomes]) -> None:
    evaluated = EvaluationFolder(artifacts(tiny_runs[0], CEILING) / "evaluate")
    objects = [box for box in evaluated.ground_truth["annotations"] if not box["iscrowd"]]
    for box in objects:
        here = [one for one in evaluated.detections if one["image_id"] == box["image_id"]]
        assert min(np.abs(np.subtract(one["bbox"], box["bbox"])).max() for one in here) < 0.02


def test_what_is_done_is_not_done_again(
    tiny_runs: tuple[Path, Outcomes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a stage ran again")

    monkeypatch.setattr("ezsd.pipeline.stage.Stage.run", refuse)
    folder, outcomes = tiny_runs
    assert run_tiny(folder) == outcomes


def test_scores_are_carried_when_a_sample_gives_the_same_numbers(
    tiny_runs: tuple[Path, Outcomes], tmp_path: Path
) -> None:
    """Scores of another commit stay stale, and nothing is carried when a number moved."""
    folder, outcomes = tiny_runs
    planned = plan_all([Run(row, 0) for row in TINY_ROWS], TINY)
    scores, sample, other = Scores(tmp_path), Run(EZSD, 0), Run(CEILING, 0)
    for run, outcome in outcomes.items():
        commit = "another" if run == other else outcome.commit
        scores.write(run, replace(outcome, fingerprint="of the code before", commit=commit))

    assert carry(planned, [sample.name], Workplace(folder), scores, 1) == len(TINY_ROWS) - 1
    assert read_current(planned, scores) == {run: one for run, one in outcomes.items() if run != other}

    scores.write(
        sample, replace(outcomes[sample], fingerprint="stale", AP50={"base": 99.0, "novel": 0.0, "all": 9.0})
    )
    with pytest.raises(PipelineError, match=r"ezsd-seed0 has other numbers than its kept scores \(AP50\)"):
        carry(planned, [sample.name], Workplace(folder), scores, 1)
    with pytest.raises(ParamsError, match="no scores are kept of vild-seed0"):
        carry(planned, ["vild-seed0"], Workplace(folder), scores, 1)
