"""The report page: its content as plain values, and the HTML made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from ezsd.cache.renorm_file import CheckRecord
from ezsd.evaluation.error_types import ErrorRow
from ezsd.evaluation.groups import FREQUENCIES, GROUPS
from ezsd.evaluation.metrics import ClassRow
from ezsd.mining.score import CERTAINTY, OBJECTNESS
from ezsd.pipeline.data.checks import Quarantined
from ezsd.pipeline.findings.finding import Finding
from ezsd.stages.pages.mined import Histogram
from ezsd.stages.pages.report.charts import histogram, line_chart
from ezsd.stages.pages.report.mistakes import OF_EACH_KIND, ErrorPictures
from ezsd.stages.pages.report.pictures import Pair, Picture
from ezsd.stages.pages.report.table import (
    ABSENT,
    frequency_rows,
    notes,
    percent,
    result_rows,
    rules,
)

TEMPLATE, STYLE = "page.html", "page.css"
ARTIFACT_WORDS = {
    "prepare": "checked photos and base boxes, the split, inputs that were set aside",
    "renorm": "re-normalized norm layers of the teacher, and how they changed",
    "mine": "proposals on the training photos",
    "embed": "teacher embeddings of base boxes and proposals",
    "pseudo": "mined boxes that training did not count as background",
    "train": "the detector and its training history",
    "evaluate": "detections, ground truth and metrics",
}
"""What each artifact holds."""
ORIGIN_WORDS = {
    CERTAINTY: "mined by the re-normalized teacher; boxes that overlap base objects or get base names are "
    "filtered out",
    OBJECTNESS: "proposed by a region proposal network trained on base boxes, and named by the re-normalized "
    "teacher",
}
"""Kind of the score -> where the boxes are from."""
SCORE_WORDS = {
    CERTAINTY: "Score: how certain the teacher is of one name",
    OBJECTNESS: "Score: how likely the box is an object, by the region proposal network",
}
"""Kind of the score -> caption of its histogram."""
CHECK_WORDS = (
    "names that were held back, among all base names",
    "the same, among themselves",
    "other names in photos that were held back",
)
"""What the check measures, in the order of `CheckRecord`."""
LOSS_WORDS = {
    "total": "sum of all losses",
    "objectness": "RPN: object or not",
    "proposal_box": "RPN: box regression",
    "classification": "which name",
    "box": "box regression",
    "distillation": "distance to the teacher's embedding",
}
"""What each loss measures."""


@dataclass(frozen=True)
class MinedProposals:
    """All mined proposals in numbers, and some of them drawn.

    Attributes:
        photos: training photos that were mined.
        total: proposals on them.
        score: kind of the score, `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
        scores: of all proposals.
        confidence: of all proposals.
        pictures: photos with their best proposals.
    """

    photos: int
    total: int
    score: str
    scores: Histogram
    confidence: Histogram
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Artifact:
    """One artifact of the run: its counts by kind, its fingerprint, and its stage's findings."""

    stage: str
    counts: Mapping[str, Any]
    fingerprint: str
    findings: Sequence[Finding] = ()


@dataclass(frozen=True)
class PageContent:
    """Everything on the page.

    Attributes:
        metrics: `artifacts/evaluate/metrics.json`.
        classes: scores by category.
        errors: by group and kind.
        steps: of the training history.
        losses: by name, a value for each step.
        proposals: on the training photos.
        pairs: validation photos.
        error_pictures: mistakes and misses, by group.
        check: of the re-normalization; None if there was none.
        quarantined: photos and boxes that were set aside.
        artifacts: of the stages before the report.
    """

    metrics: Mapping[str, Any]
    classes: Sequence[ClassRow]
    errors: Sequence[ErrorRow]
    steps: Sequence[float]
    losses: Mapping[str, Sequence[float]]
    proposals: MinedProposals
    pairs: Sequence[Pair]
    error_pictures: Mapping[str, ErrorPictures]
    check: CheckRecord | None
    quarantined: Sequence[Quarantined]
    artifacts: Sequence[Artifact]


def read_part(name: str) -> str:
    """Text of the packaged template or style sheet."""
    return (resources.files("ezsd.stages.pages.report") / name).read_text(encoding="utf-8")


def render_page(content: PageContent) -> str:
    """The whole page as HTML; the same content gives the same bytes."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    environment.filters["percent"] = percent
    environment.filters["thousands"] = "{:,}".format
    return environment.from_string(read_part(TEMPLATE)).render(
        content=content,
        metrics=content.metrics,
        groups=GROUPS,
        shots=content.metrics["data"].get("shots", 0),
        absent=ABSENT,
        rows=result_rows(content.metrics),
        frequencies=tuple(FREQUENCIES.values()),
        frequency_rows=frequency_rows(content.metrics),
        rules=rules(content.metrics),
        notes=notes(content.metrics),
        style=Markup(read_part(STYLE)),  # packaged with the project, so it needs no escaping
        classes=sort_classes(content.classes),
        unseen=[row for row in content.classes if row.AP50 is None],
        errors=group_errors(content.errors),
        of_each_kind=OF_EACH_KIND,
        losses=_loss_charts(content.steps, content.losses),
        score_chart=_spread(content.proposals.scores, f"score ({content.proposals.score})"),
        score_words=SCORE_WORDS[content.proposals.score],
        origin_words=ORIGIN_WORDS[content.proposals.score],
        confidence_chart=_spread(content.proposals.confidence, "confidence in the name"),
        artifact_words=ARTIFACT_WORDS,
        findings=[(one.stage, finding) for one in content.artifacts for finding in one.findings],
        gain=teacher_gain(content.metrics),
        check_charts=[] if content.check is None else _check_charts(content.check),
    )


def sort_classes(classes: Sequence[ClassRow]) -> list[ClassRow]:
    """Categories that have objects to find, highest AP50 first."""
    return sorted(
        (row for row in classes if row.AP50 is not None), key=lambda row: (-(row.AP50 or 0), row.category)
    )


def group_errors(errors: Sequence[ErrorRow]) -> dict[str, dict[str, ErrorRow]]:
    """Group -> kind -> row."""
    return {group: {row.kind: row for row in errors if row.group == group} for group in ("base", "novel")}


def teacher_gain(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Change of the teacher's accuracy by re-normalization, in points, by group."""
    raw, after = (metrics["teacher_accuracy"][key] for key in ("raw", "renormalized"))
    return {
        group: None if raw[group] is None or after[group] is None else after[group] - raw[group]
        for group in ("base", "novel")
    }


def _loss_charts(
    steps: Sequence[float], losses: Mapping[str, Sequence[float]]
) -> list[tuple[str, str, Markup]]:
    """Name, meaning and curve of each loss."""
    return [
        (
            name,
            LOSS_WORDS.get(name, ""),
            line_chart(steps, values, "step", f"{name} loss: from {values[0]:.3g} to {values[-1]:.3g}"),
        )
        for name, values in losses.items()
        if values
    ]


def _check_charts(check: CheckRecord) -> list[tuple[str, Markup]]:
    """Caption and curve over the epochs for each kind of held-back boxes."""
    charts = []
    for place, words in enumerate(CHECK_WORDS):
        shares = (100 * check.curve[:, place]).tolist()
        raw, chosen = 100 * check.raw[place], 100 * check.chosen[place]
        alt = f"{words}: {raw:.1f} % raw, {chosen:.1f} % chosen, {check.boxes[place]:,} boxes"
        charts.append((alt, line_chart(range(len(shares)), shares, "epoch", alt)))
    return charts


def _spread(spread: Histogram, label: str) -> Markup:
    alt = f"{sum(spread.counts):,} proposals by {label}, from {spread.low:.2f} to {spread.high:.2f}"
    return histogram(spread.counts, spread.low, spread.high, label, alt)
