"""From content to HTML."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from ezsd.evaluation.error_types import ErrorRow
from ezsd.evaluation.groups import FREQUENCIES, GROUPS
from ezsd.evaluation.metrics import ClassRow
from ezsd.mining.score import CERTAINTY, OBJECTNESS
from ezsd.stages.pages.proposals.mined import Histogram
from ezsd.stages.pages.report.charts import histogram, line_chart
from ezsd.stages.pages.report.content import PageContent
from ezsd.stages.pages.report.table import (
    ABSENT,
    ensemble_words,
    frequency_rows,
    percent,
    result_rows,
    rules,
)

TEMPLATE, STYLE = "page.html", "page.css"
# What each stage leaves behind, in words.
ARTIFACT_WORDS = {
    "prepare": "checked photos and base boxes, the split, what was quarantined",
    "renorm": "the re-normalized teacher and what changed in it",
    "mine": "proposals on the training photos",
    "embed": "teacher embeddings of base boxes and proposals",
    "train": "the detector and its history",
    "evaluate": "detections, ground truth and every number on this page",
}
# What the kind of the score tells about a proposal: where its box is from, and what the score means.
ORIGIN_WORDS = {
    CERTAINTY: "mined by the re-normalized teacher after boxes on base objects and boxes with base names "
    "were filtered out",
    OBJECTNESS: "proposed by a network that learned from base boxes, and named by the re-normalized teacher",
}
SCORE_WORDS = {
    CERTAINTY: "How sure the teacher is that there is one thing",
    OBJECTNESS: "How sure the network is that there is an object",
}
LOSS_WORDS = {
    "total": "all losses together",
    "objectness": "proposals: object or not",
    "proposal_box": "proposals: where the box is",
    "classification": "which name",
    "box": "where the box is",
    "distillation": "distance to the teacher's embedding",
}


def read_part(name: str) -> str:
    """Text of the template or the style sheet, as packaged."""
    return (resources.files("ezsd.stages.pages.report") / name).read_text(encoding="utf-8")


def render_page(content: PageContent) -> str:
    """The whole page; the same content gives the same bytes."""
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
        ensemble_words=ensemble_words(content.metrics),
        style=Markup(read_part(STYLE)),  # packaged with the project, so it needs no escaping
        classes=sort_classes(content.classes),
        unseen=[row for row in content.classes if row.AP50 is None],
        errors=group_errors(content.errors),
        losses=_loss_charts(content.steps, content.losses),
        score_chart=_spread(content.proposals.scores, f"score ({content.proposals.score})"),
        score_words=SCORE_WORDS[content.proposals.score],
        origin_words=ORIGIN_WORDS[content.proposals.score],
        confidence_chart=_spread(content.proposals.confidence, "confidence in the name"),
        artifact_words=ARTIFACT_WORDS,
        gain=teacher_gain(content.metrics),
    )


def sort_classes(classes: Sequence[ClassRow]) -> list[ClassRow]:
    """Categories with objects to find, the best found first."""
    return sorted(
        (row for row in classes if row.AP50 is not None), key=lambda row: (-(row.AP50 or 0), row.category)
    )


def group_errors(errors: Sequence[ErrorRow]) -> dict[str, dict[str, ErrorRow]]:
    """By group, then by kind."""
    return {group: {row.kind: row for row in errors if row.group == group} for group in ("base", "novel")}


def teacher_gain(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """Points of accuracy that re-normalization brought, by group."""
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


def _spread(spread: Histogram, label: str) -> Markup:
    alt = f"{sum(spread.counts):,} proposals by {label}, from {spread.low:.2f} to {spread.high:.2f}"
    return histogram(spread.counts, spread.low, spread.high, label, alt)
