"""All that the page says, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ezsd.evaluation.error_types import ErrorRow
from ezsd.evaluation.metrics import ClassRow
from ezsd.pipeline.data.cleaning import Finding
from ezsd.stages.pages.proposals.mined import Histogram


@dataclass(frozen=True)
class Picture:
    """A drawing for the page: `source` is a data URI, `alt` says in words what is on it."""

    source: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Pair:
    """One validation photo: its annotations beside what the detector found, and what to say of them."""

    title: str
    lines: Sequence[str]
    truth: Picture
    found: Picture


@dataclass(frozen=True)
class MinedProposals:
    """What was mined: how many a photo, how their scores are spread, and some of them drawn.

    `score` says what the scores are: `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`.
    """

    photos: int
    total: int
    score: str
    scores: Histogram
    confidence: Histogram
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Artifact:
    """One folder of the run: counts by kind and the fingerprint of all that it was made from."""

    stage: str
    counts: Mapping[str, Any]
    fingerprint: str


@dataclass(frozen=True)
class PageContent:
    """Everything on the page.

    Args:
        metrics: `artifacts/evaluate/metrics.json`.
        steps, losses: the training history; each loss has a value for each step.
    """

    metrics: Mapping[str, Any]
    classes: Sequence[ClassRow]
    errors: Sequence[ErrorRow]
    steps: Sequence[float]
    losses: Mapping[str, Sequence[float]]
    proposals: MinedProposals
    pairs: Sequence[Pair]
    quarantined: Sequence[Finding]
    artifacts: Sequence[Artifact]
