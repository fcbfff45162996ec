"""`docs/results.md`: the table, the curve, and how they were measured."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks.ablation.rows import CURVE, ROWS, Row
from benchmarks.ablation.scores import ByGroup, Outcome
from benchmarks.ablation.summary import STEP_MARK, Spread, curve, group_spread, spread, whole_runs
from benchmarks.record import Measurement, Result
from benchmarks.table import markdown_table
from ezsd.evaluation.groups import GROUPS
from ezsd.pipeline.params import Params

COMMAND = "make ablation"
ABSENT = "–"
_MINERS = {"rpn": "RPN", "cascade": "CLIP", "exhaustive": "CLIP, each anchor"}
_SCORES: Mapping[str, Callable[[Outcome], ByGroup]] = {
    "AP50": lambda outcome: outcome.AP50,
    "AP": lambda outcome: outcome.AP,
}


def results_page(outcomes: Sequence[Outcome], result: Result, chart: str) -> str:
    """Return the whole page; `chart` is the file name of the curve."""
    parts = [
        "# Results",
        _setting(outcomes, result),
        results_table(outcomes),
        "In %, means over the seeds with ± their sample standard deviation. Base and novel names compete. "
        "*Steps* are the same for all rows. Every row and seed: `benchmarks/results/ablation.json`.",
        "## Aims",
        aims_table(result.measurements),
        "Ratios of means: EZSD's novel and base AP50 over ViLD-style's; the steps after which EZSD's curve "
        "reaches ViLD-style's final novel AP50, over ViLD-style's steps (no less than the shortest schedule "
        f"that was trained; the mark to beat is {STEP_MARK:g}); EZSD's novel AP50 over the oracle's.",
        "## Novel AP50 against steps",
        f"![Novel AP50 against training steps]({chart})",
        "A dot is a seed, a line the mean. Each point is a separate training, with warm-up and decays in "
        "proportion to its steps. Where base AP50, of names with boxes, is near 0 too, the schedule is too "
        "short for this detector.",
        curve_table(outcomes),
        "## The teacher on true boxes of validation photos",
        teacher_table(outcomes),
        "## Objects of training photos that the proposals cover",
        recall_table(outcomes),
    ]
    return "\n\n".join(parts) + "\n"


def results_table(outcomes: Sequence[Outcome]) -> str:
    """Format a line for each row that has runs of all steps."""
    scores = [(name, group) for name in _SCORES for group in GROUPS]
    lines = []
    for row in ROWS:
        runs = whole_runs(outcomes, row)
        if runs:
            cells = [
                _spread_cell(group_spread(outcomes, row, _SCORES[name], group)) for name, group in scores
            ]
            lines.append((row.title, *_ingredients(runs[0].params), str(runs[0].steps), *cells))
    header = ("row", "re-normalized", "proposals", "regressor", "steps")
    return markdown_table((*header, *(f"{name} {group}" for name, group in scores)), lines)


def aims_table(measurements: Sequence[Measurement]) -> str:
    """Format values against targets."""
    lines = [
        (
            one.metric,
            "not reached" if one.value is None else f"{one.value:.3g}",
            "" if one.target is None else str(one.target),
            one.verdict,
        )
        for one in measurements
    ]
    return markdown_table(("metric", "value", "target", ""), lines)


def curve_table(outcomes: Sequence[Outcome]) -> str:
    """Format novel AP50 at each number of steps, with base AP50, which shows if the schedule suffices."""
    lines = [line for row in CURVE for line in _curve_lines(outcomes, row)]
    return markdown_table(("row", "steps", "novel AP50", "each seed", "base AP50"), lines)


def _curve_lines(outcomes: Sequence[Outcome], row: Row) -> list[tuple[str, ...]]:
    base = {point.steps: spread(point.values) for point in curve(outcomes, row, "base")}
    return [
        (
            row.title,
            str(point.steps),
            str(spread(point.values)),
            ", ".join(f"{value:.1f}" for value in point.values),
            _spread_cell(base.get(point.steps)),
        )
        for point in curve(outcomes, row, "novel")
    ]


def teacher_table(outcomes: Sequence[Outcome]) -> str:
    """Format the teacher's accuracy, all names competing, before and after re-normalization."""
    tuned = [outcome for outcome in outcomes if outcome.params.renorm.method != "none"]
    accuracies = tuned[0].teacher_accuracy if tuned else {}
    lines = [(teacher, *_group_cells(accuracies[teacher])) for teacher in sorted(accuracies)]
    return markdown_table(("in %", *GROUPS), lines)


def recall_table(outcomes: Sequence[Outcome]) -> str:
    """Format the recall of each miner whose proposals were trained on."""
    found = {
        _ingredients(outcome.params)[:2]: outcome.proposal_recall
        for outcome in outcomes
        if outcome.params.train.examples.proposals_per_image
    }
    lines = [(miner, tuned, *_group_cells(recall)) for (tuned, miner), recall in found.items()]
    return markdown_table(("proposals", "re-normalized", *GROUPS), lines)


def _setting(outcomes: Sequence[Outcome], result: Result) -> str:
    split, world, train = next(
        (outcome.params.data.split, world, outcome.params.train)
        for outcome in outcomes
        if (world := outcome.params.data.world) is not None
    )
    seeds = ", ".join(map(str, sorted({outcome.run.seed for outcome in outcomes})))
    protocols = ", ".join(sorted({outcome.protocol for outcome in outcomes}))
    images = train.schedule.images_per_step
    return (
        f"The embedded world, split {split}: {world.train} training and {world.val} validation "
        f"scenes of seed {world.seed}; {images} images a step; training seeds {seeds}. "
        f"Protocol: {protocols}. Commit {result.revision}; {result.machine}. Written by `{COMMAND}`."
    )


def _ingredients(params: Params) -> tuple[str, str, str]:
    """Return whether the teacher was re-normalized, the source of proposals, and the regressor."""
    if not params.train.examples.proposals_per_image:
        return ABSENT, ABSENT, params.train.detector.box_head.regressor
    renormalized = "no" if params.renorm.method == "none" else "yes"
    return renormalized, _MINERS[params.mine.method], params.train.detector.box_head.regressor


def _spread_cell(value: Spread | None) -> str:
    return ABSENT if value is None else str(value)


def _group_cells(values: ByGroup) -> list[str]:
    return [ABSENT if (value := values[group]) is None else f"{value:.1f}" for group in GROUPS]
