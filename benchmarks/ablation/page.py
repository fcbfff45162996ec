"""`docs/results.md`: the table, what each idea gains, the curve, and how they were measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.ablation.plan import Run, run_params
from benchmarks.ablation.rows import BEYOND, CURVE, EZSD, IDEAS, ORACLES, ROWS, SUPERVISED, VILD, WITHOUT, Row
from benchmarks.ablation.scores import ByGroup, Outcome, Outcomes
from benchmarks.ablation.summary import (
    AT_ONCE,
    ERRORS_OF_A_GAIN,
    Gain,
    curve,
    gain,
    measure,
    scores_by_seed,
    spread,
    whole_runs,
)
from benchmarks.record import Measurement
from benchmarks.table import markdown_table
from ezsd.evaluation.groups import GROUPS

COMMAND = "make ablation"
ABSENT = "–"
_SCORES: Mapping[str, Callable[[Outcome], ByGroup]] = {
    "AP50": lambda outcome: outcome.AP50,
    "AP": lambda outcome: outcome.AP,
    "naming": lambda outcome: outcome.student["naming"],
}

_ROWS_EXPLAINED = """
In %, means over the seeds with ± their sample standard deviation. Base and novel names compete. All rows
train the same detector for the same steps. *ViLD-style* has raw CLIP on two crops of each box, boxes of an
RPN that was trained on base objects, equal weights and a plain regressor. *Re-normalized CLIP* also means
the one crop on which CLIP was tuned, and *CLIP proposals* also means weights by confidence. The last four
rows read novel annotations and show what there is to gain: novel objects as the only proposals to distill;
true names for the regressor at test; boxes of novel names in re-normalization and training; and the
re-normalized teacher on true boxes, without a detector. *Naming* is how often a detector names a true box
right.
""".strip()
_GAINS_EXPLAINED = f"""
Points of AP50 on novel names: EZSD minus EZSD without the idea, and what an idea adds when they are added
to ViLD-style in this order. Differences are taken seed by seed; ± is the standard error of their mean. An
idea *brings nothing* where the difference is not larger than {ERRORS_OF_A_GAIN} standard errors.
""".strip()
_BEYOND_EXPLAINED = """
Points of AP50 over EZSD at equal steps; differences and errors as above. *Ensemble*: the
teacher scores each detection too, which takes a crop of each. *Probing* fits classifiers of novel names to
cached proposals. Both evaluate EZSD's own trainings. *Pseudo boxes* are proposals that training does not
count as background, but as objects of the name that mining gave them ([method](method.md#extras)).
""".strip()
_AIMS_EXPLAINED = f"""
- `novel_ap50_ratio`: EZSD over ViLD-style.
- `base_ap50_ratio`: EZSD over *supervised*.
- `step_ratio`: steps after which EZSD's curve reaches ViLD-style's final novel AP50, over ViLD-style's
  steps; not less than the shortest schedule.
- `oracle_share`: EZSD's novel AP50 over that of training on novel boxes too.
- `gain`: points of novel AP50 that EZSD loses without the idea; its target is {ERRORS_OF_A_GAIN} standard
  errors.
- `beyond`: AP50 of the best row beyond the paper over EZSD's.
- `hours`: trainings and evaluations of all runs that are done, {AT_ONCE} at a time.
""".strip()


def results_page(outcomes: Outcomes, planned: int, chart: str) -> str:
    """Return the whole page.

    Args:
        outcomes: of the runs that are done.
        planned: number of all runs.
        chart: file name of the curve.
    """
    parts = [
        "# Results",
        _setting(outcomes),
        *_missing(len(outcomes), planned),
        results_table(outcomes),
        _ROWS_EXPLAINED,
        "## What each idea gains",
        gains_table(outcomes),
        _GAINS_EXPLAINED,
        "## Beyond the paper",
        beyond_table(outcomes),
        _BEYOND_EXPLAINED,
        "## Aims",
        aims_table(measure(outcomes)),
        _AIMS_EXPLAINED,
        "## Novel AP50 against steps",
        f"![Novel AP50 against training steps]({chart})",
        "A dot is a seed, a line the mean. Each point is a separate training, with warm-up and cosine in "
        "proportion to its steps.",
        curve_table(outcomes),
        "## The teacher on true boxes of validation photos",
        teacher_table(outcomes),
        "## Objects of training photos that the proposals cover",
        recall_table(outcomes),
    ]
    return "\n\n".join(parts) + "\n"


def results_table(outcomes: Outcomes) -> str:
    """Format a line for each row that has runs of all steps."""
    header = ("row", *(idea.title for idea in IDEAS.values()), "seeds", "steps")
    lines = []
    for row in ROWS:
        if runs := whole_runs(outcomes, row):
            ideas = ["yes" if name in row.ideas else "no" for name in IDEAS]
            marks = [ABSENT] * len(IDEAS) if row == SUPERVISED else ideas
            cells = [
                _spread(scores_by_seed(outcomes, row, group, _SCORES[name])) for name, group in _columns()
            ]
            lines.append((row.title, *marks, str(len(runs)), str(next(iter(runs.values())).steps), *cells))
    return markdown_table((*header, *(f"{name} {group}" for name, group in _columns())), lines)


def gains_table(outcomes: Outcomes) -> str:
    """Format what each idea gains on novel names, left out of EZSD and added to ViLD-style."""
    lines = []
    before = VILD
    for (name, idea), after in zip(IDEAS.items(), _added(), strict=True):
        left_out = gain(outcomes, EZSD, WITHOUT[name], "novel")
        base = gain(outcomes, EZSD, WITHOUT[name], "base")
        added = gain(outcomes, after, before, "novel")
        verdict = "" if left_out is None else left_out.verdict
        seeds = ABSENT if left_out is None else str(left_out.seeds)
        lines.append((idea.title, _gain(left_out), verdict, _gain(added), _gain(base), seeds))
        before = after
    header = ("idea", "left out of EZSD", "verdict", "added to ViLD-style", "left out, base AP50", "seeds")
    return markdown_table(header, lines)


def beyond_table(outcomes: Outcomes) -> str:
    """Format what each row beyond the paper gains over EZSD."""
    lines = []
    for row in BEYOND:
        novel, base = (gain(outcomes, row, EZSD, group) for group in ("novel", "base"))
        if novel is not None:
            lines.append((row.title, _gain(novel), novel.verdict, _gain(base), str(novel.seeds)))
    return markdown_table(("row", "novel AP50", "verdict", "base AP50", "seeds"), lines)


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


def curve_table(outcomes: Outcomes) -> str:
    """Format novel AP50 at each number of steps, with base AP50, which shows if the schedule suffices."""
    lines = []
    for row in CURVE:
        base = {point.steps: point.values for point in curve(outcomes, row, "base")}
        for point in curve(outcomes, row, "novel"):
            each = ", ".join(f"{value:.1f}" for value in point.values)
            base_cell = str(spread(base[point.steps])) if point.steps in base else ABSENT
            lines.append((row.title, str(point.steps), str(spread(point.values)), each, base_cell))
    return markdown_table(("row", "steps", "novel AP50", "each seed", "base AP50"), lines)


def teacher_table(outcomes: Outcomes) -> str:
    """Format the teacher's accuracy, all names competing, before and after re-normalization."""
    tuned = [one for run, one in outcomes.items() if "renorm" in run.row.ideas and run.row not in ORACLES]
    accuracies = tuned[0].teacher_accuracy if tuned else {}
    lines = [(teacher, *_group_cells(accuracies[teacher])) for teacher in sorted(accuracies)]
    return markdown_table(("in %", *GROUPS), lines)


def recall_table(outcomes: Outcomes) -> str:
    """Format the recall of each kind of proposals."""
    rows = {row: next(iter(whole_runs(outcomes, row).values()), None) for row in (VILD, *_added()[:2])}
    kinds = zip(("RPN", "RPN", "CLIP"), ("no", "yes", "yes"), rows.values(), strict=True)
    lines = [
        (kind, tuned, *_group_cells(one.proposal_recall)) for kind, tuned, one in kinds if one is not None
    ]
    return markdown_table(("proposals", "re-normalized", *GROUPS), lines)


def _setting(outcomes: Outcomes) -> str:
    params = run_params(Run(EZSD, 0), ())
    world, seeds = params.data.world, sorted({run.seed for run in outcomes})
    assert world is not None
    protocols = _listed(one.protocol for run, one in outcomes.items() if run.row not in ORACLES)
    return (
        f"The embedded world, split {params.data.split}: {world.train} training and {world.val} validation "
        f"scenes of seed {world.seed}; {params.train.schedule.images_per_step} images a step; training seeds "
        f"{', '.join(map(str, seeds))}. Protocol: {protocols}. "
        f"Commit {_listed(one.commit for one in outcomes.values())}; "
        f"{_listed(one.cpu for one in outcomes.values())}: figures differ a little between kinds of CPU. "
        f"Written by `{COMMAND}` from `benchmarks/results/ablation/`."
    )


def _missing(done: int, planned: int) -> list[str]:
    if done == planned:
        return []
    return [f"**Not finished: {done} of {planned} runs are done.** `{COMMAND}` continues with the others."]


def _added() -> tuple[Row, ...]:
    """Rows in which the ideas are added to ViLD-style, one after the other."""
    names = tuple(IDEAS)
    by_ideas = {row.ideas: row for row in ROWS if row not in (SUPERVISED, *BEYOND, *ORACLES)}
    return tuple(by_ideas[names[: count + 1]] for count in range(len(names)))


def _columns() -> list[tuple[str, str]]:
    return [(name, group) for name in _SCORES for group in GROUPS]


def _spread(by_seed: Mapping[int, float]) -> str:
    return str(spread(list(by_seed.values()))) if by_seed else ABSENT


def _gain(found: Gain | None) -> str:
    if found is None:
        return ABSENT
    return f"{found.mean:+.1f}" if found.error is None else f"{found.mean:+.1f} ± {found.error:.1f}"


def _group_cells(values: ByGroup) -> list[str]:
    return [ABSENT if (value := values[group]) is None else f"{value:.1f}" for group in GROUPS]


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))
