"""A finding, its place in the manifest, and the refusal to go on after one that makes a run pointless."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import Manifest
from ezsd.pipeline.errors import PipelineError

StoppingKind = Literal[
    "boxes-as-corners",
    "same-photos",
    "lost-accuracy",
    "lost-names",
    "no-proposals",
    "one-name",
    "diverged-loss",
    "no-detections",
]
"""Findings after which further stages would only waste time; `run.allow` lists those to go on with."""

Kind = (
    StoppingKind
    | Literal[
        "boxes-beyond",
        "areas-disagree",
        "names-without-boxes",
        "shared-photos",
        "lower-accuracy",
        "few-proposals",
        "few-photos-with-proposals",
        "frequent-name",
        "no-pseudo-boxes",
        "rough-calibration",
        "alike-names",
        "coarse-embeddings",
        "climbing-loss",
        "stalled-loss",
        "photos-without-detections",
        "no-novel-detections",
    ]
)

FACT = "findings"
"""Key of the manifest's facts; absent from the manifest of a stage without findings."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Finding:
    """A result that looks wrong although nothing failed.

    Attributes:
        kind: one word for it, see `docs/reliability.md`.
        what: the quantity that was measured, such as "proposals per photo".
        number: its value.
        threshold: value from which on nothing would have been found.
        fix: what to do about it.
    """

    kind: Kind
    what: str
    number: float
    threshold: float
    fix: str

    @property
    def stops(self) -> bool:
        """Whether later stages refuse to run."""
        return self.kind in get_args(StoppingKind)

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.kind}: {self.what} {self.number:.3g}, threshold {self.threshold:.3g}; {self.fix}"

    def as_json(self) -> dict[str, Any]:
        """Return plain values, with `stops` and the sentence as `text`."""
        return {**asdict(self), "stops": self.stops, "text": str(self)}


_FINDINGS = TypeAdapter(tuple[Finding, ...])


def facts_of(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the entry for the manifest's facts; empty without findings."""
    return {FACT: [asdict(finding) for finding in findings]} if findings else {}


def read_findings(manifest: Manifest) -> tuple[Finding, ...]:
    """Return the findings of a finished stage; raises ArtifactError if the entry is malformed."""
    try:
        return _FINDINGS.validate_python(manifest.facts.get(FACT, ()))
    except ValidationError:
        raise ArtifactError(
            f"the findings in the manifest of {manifest.stage} are damaged or of another version; "
            "run the stage with --force"
        ) from None


def refuse(stage: str, findings: Sequence[Finding], allowed: Collection[str]) -> None:
    """Raise PipelineError for a finding that stops a run and is not in `allowed`."""
    for finding in findings:
        if finding.stops and finding.kind not in allowed:
            raise PipelineError(
                f"{stage} stops the run with a finding, {finding}; to go on all the same, add "
                f"{finding.kind} to run.allow"
            )
