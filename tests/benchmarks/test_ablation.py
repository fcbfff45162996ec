"""The ablation: its table of rows, its maths by hand, its processes, and the whole at a tiny size."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablation.chart import curve_chart, rounded_up
from benchmarks.ablation.oracle import NEVER_DRAWN
from benchmarks.ablation.page import recall_table, results_page, results_table
from benchmarks.ablation.plan import PARTS, WHOLE, Run, plan_runs, run_params
from benchmarks.ablation.processes import for_each
from benchmarks.ablation.publish import make_result, publish
from benchmarks.ablation.rows import (
    CLIP,
    EZSD,
    ORACLE,
    RENORM,
    ROWS,
    SEEDS,
    SUPERVISED,
    VILD,
    Row,
    rows_named,
)
from benchmarks.ablation.runs import run_all
from benchmarks.ablation.scores import Outcome
from benchmarks.ablation.summary import CurvePoint, curve, measure, spread, steps_to_reach
from benchmarks.ablation.workplace import Workplace, artifact_key
from ezsd.cache.artifacts import Embedded
from ezsd.cache.index import read_index
from ezsd.pipeline.errors import ParamsError, PipelineError
from ezsd.pipeline.evaluation_files import EvaluationFolder
from ezsd.split import builtin_split

SPLIT = builtin_split("world_48_17")
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
    ("row", "next_row", "changed"),
    [
        (VILD, RENORM, {"renorm.method"}),
        (RENORM, CLIP, {"mine.method"}),
        (CLIP, EZSD, {"train.detector.box_head.regressor"}),
        (SUPERVISED, ORACLE, set()),
    ],
)
def test_a_row_differs_from_the_one_before_in_one_thing(row: Row, next_row: Row, changed: set[str]) -> None:
    one, other = overrides_of(row), overrides_of(next_row)
    assert one.keys() == other.keys()
    assert {key for key in one if one[key] != other[key]} == changed
    assert (row.labelled == next_row.labelled) == bool(changed)


def test_what_a_row_says_of_itself_is_what_its_params_are() -> None:
    methods = {row.name: run_params(Run(row, 0), ()) for row in ROWS}
    assert {
        name: (one.renorm.method, one.mine.method, one.train.detector.box_head.regressor)
        for name, one in methods.items()
    } == {
        "supervised": ("none", "exhaustive", "plain"),
        "vild": ("none", "rpn", "plain"),
        "renorm": ("tune", "rpn", "plain"),
        "clip": ("tune", "cascade", "plain"),
        "ezsd": ("tune", "cascade", "semantic"),
        "oracle": ("none", "exhaustive", "plain"),
    }
    drawn = {
        name: one.train.examples.proposals_per_image * one.train.loss_factors["distillation"]
        for name, one in methods.items()
    }
    assert {name for name, proposals in drawn.items() if not proposals} == {"supervised", "oracle"}


def test_all_runs_are_planned_and_long_ones_come_first() -> None:
    runs = plan_runs(ROWS, SEEDS, PARTS)
    assert len(runs) == len({run.name for run in runs}) == 6 * 3 + 2 * len(PARTS) * 3
    assert [run.part for run in runs] == sorted((run.part for run in runs), reverse=True)
    assert {run.row for run in runs if run.part != WHOLE} == {VILD, EZSD}


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
    assert rows_named(["ezsd", "vild"]) == (VILD, EZSD)
    with pytest.raises(ParamsError, match=r"'best'.*supervised, vild"):
        rows_named(["vild", "best"])


def test_runs_share_what_their_params_agree_in() -> None:
    seed0, seed1 = (run_params(Run(SUPERVISED, seed), ()) for seed in (0, 1))
    larger = run_params(Run(SUPERVISED, 0), ["data.world.train=601"])
    for stage in ("prepare", "renorm", "mine", "embed"):
        assert artifact_key(stage, seed0) == artifact_key(stage, seed1) != artifact_key(stage, larger)
    assert artifact_key("train", seed0) != artifact_key("train", seed1)


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


def outcome(row: Row, seed: int, base: float, novel: float, part: Fraction = WHOLE) -> Outcome:
    params = run_params(
        Run(SUPERVISED, seed), ["train.examples.proposals_per_image=8", "mine.method=exhaustive"]
    )
    scores = {"base": base, "novel": novel, "all": (base + novel) / 2}
    return Outcome(
        run=Run(row, seed, part),
        params=params,
        steps=int(900 * part),
        protocol="names known",
        AP50=scores,
        AP={group: value / 2 for group, value in scores.items()},
        teacher_accuracy={"raw": scores, "renormalized": scores},
        proposal_recall=scores,
    )


HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
BY_HAND = [
    outcome(VILD, 0, 30.0, 9.0),
    outcome(VILD, 1, 34.0, 11.0),  # means 32 and 10
    outcome(EZSD, 0, 29.0, 14.0),
    outcome(EZSD, 1, 31.0, 16.0),  # means 30 and 15
    outcome(ORACLE, 0, 31.0, 20.0),
    outcome(VILD, 0, 20.0, 5.0, HALF),
    outcome(EZSD, 0, 27.0, 12.0, HALF),
    outcome(EZSD, 0, 22.0, 8.0, QUARTER),
]


def test_the_four_ratios() -> None:
    values = {one.metric: (one.value, one.verdict) for one in measure(BY_HAND)}
    assert values == {
        "ablation.novel_ap50_ratio": (pytest.approx(15 / 10), "met"),
        "ablation.base_ap50_ratio": (pytest.approx(30 / 32), "MISSED"),
        # 8 at 225 steps, 12 at 450: 10 at 337.5 of 900
        "ablation.step_ratio": (pytest.approx(0.375), "MISSED"),
        "ablation.oracle_share": (pytest.approx(15 / 20), "met"),
    }


def test_a_value_that_was_never_reached_is_a_missed_one() -> None:
    weak = [one if one.run.row != VILD else replace(one, AP50={"base": 1, "novel": 40.0}) for one in BY_HAND]
    step_ratio = {one.metric: one for one in measure(weak)}["ablation.step_ratio"]
    assert step_ratio.value is None and step_ratio.verdict == "MISSED"


def test_nothing_is_measured_without_its_rows() -> None:
    assert measure([]) == [] == measure(BY_HAND[:2])


def test_the_page_tells_rows_ratios_and_where_they_come_from(tmp_path: Path) -> None:
    result = make_result(BY_HAND)
    page = results_page(BY_HAND, result, "ablation.svg")
    assert "| 32.0 ± 2.8 " in page and "10.0 ± 1.4" in page and "15.0 ± 1.4" in page
    assert "supervised, base" not in page
    assert "training seeds 0, 1" in page and str(result.machine) in page and "make ablation" in page
    assert "| ablation.step_ratio" in page and "MISSED" in page
    cells = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    assert ["", "EZSD", "225", "8.0", "8.0", "22.0", ""] in cells  # base AP50 at the end
    publish(BY_HAND, result, tmp_path / "results", tmp_path / "docs")
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "ablation.json",
        "ablation.svg",
        "results.md",
    ]


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


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("ablation"))


TINY_RUNS = [Run(VILD, 0), Run(ORACLE, 0)]


@pytest.fixture(scope="module")
def tiny_outcomes(workplace: Workplace) -> list[Outcome]:
    """Two rows at a tiny size; mining is a stand-in, so that nothing has to be learned for it."""
    return run_all(TINY_RUNS, TINY, workplace, workers=1)


def test_runs_end_with_outcomes_in_their_order(tiny_outcomes: Sequence[Outcome]) -> None:
    assert [(one.run, one.steps) for one in tiny_outcomes] == [(run, 6) for run in TINY_RUNS]
    assert len(results_table(tiny_outcomes).splitlines()) == 4
    assert "CLIP, each anchor" in recall_table(tiny_outcomes)


def test_groups_are_those_of_the_evaluation(tiny_outcomes: Sequence[Outcome], workplace: Workplace) -> None:
    evaluated = EvaluationFolder(workplace.root("vild-seed0") / "artifacts/evaluate").metrics
    for group, value in tiny_outcomes[0].AP50.items():
        assert value == pytest.approx(evaluated["AP50"][group], abs=1e-3)


def test_the_oracle_sees_the_same_photos_in_the_same_order_and_all_boxes(
    tiny_outcomes: Sequence[Outcome], workplace: Workplace
) -> None:
    vild, oracle = (workplace.root(f"{name}-seed0") / "artifacts" for name in ("vild", "oracle"))
    one, other = (read_index(root / "prepare/train.h5") for root in (vild, oracle))
    assert np.array_equal(one.photos.image_ids, other.photos.image_ids)
    assert len(other.boxes) > len(one.boxes)
    base = other.boxes.labels < len(SPLIT.base)
    assert np.array_equal(other.boxes.boxes_xyxy[base], one.boxes.boxes_xyxy)
    assert (
        Embedded(vild / "embed").store.layout.shard_rows == Embedded(oracle / "embed").store.layout.shard_rows
    )
    classes = EvaluationFolder(oracle / "evaluate").classes
    assert [row.category for row in classes] == [*SPLIT.names, NEVER_DRAWN]
    assert classes[-1].objects == 0


def test_what_is_done_is_not_done_again(
    tiny_outcomes: Sequence[Outcome], workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a stage ran again")

    monkeypatch.setattr("ezsd.pipeline.stage.Stage.run", refuse)
    assert run_all(TINY_RUNS, TINY, workplace, workers=1) == tiny_outcomes
