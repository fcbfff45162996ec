"""A finding is one sentence, survives the manifest, and stops a run unless it is allowed."""

import re
from typing import Any, get_args

import pytest
from support.small_runs import REPOSITORY

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import Manifest
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.findings.finding import Finding, Kind, StoppingKind, facts_of, read_findings, refuse

FEW = Finding("few-proposals", "proposals per photo", 0.25, 1.0, "mine more")
NONE = Finding("no-proposals", "proposals", 0.0, 1.0, "mine more")


def manifest_with(facts: dict[str, Any]) -> Manifest:
    return Manifest(1, "mine", "", {}, {}, facts, {})


def test_a_finding_is_one_sentence() -> None:
    assert str(FEW) == "few-proposals: proposals per photo 0.25, threshold 1; mine more"
    assert FEW.as_json() == {
        "kind": "few-proposals",
        "what": "proposals per photo",
        "number": 0.25,
        "threshold": 1.0,
        "fix": "mine more",
        "stops": False,
        "text": str(FEW),
    }


def test_findings_are_read_back_from_the_manifest() -> None:
    assert read_findings(manifest_with(facts_of([FEW, NONE]))) == (FEW, NONE)
    assert facts_of([]) == {}
    assert read_findings(manifest_with({})) == ()


@pytest.mark.parametrize("entry", [7, [7], [{"kind": "?"}], {"kind": "few-proposals"}, ["x" * 9]])
def test_a_hostile_entry_is_one_sentence(entry: object) -> None:
    with pytest.raises(ArtifactError, match="the findings in the manifest of mine are damaged"):
        read_findings(manifest_with({"findings": entry}))


def test_only_findings_that_stop_are_refused_unless_allowed() -> None:
    refuse("mine", [FEW], [])
    refuse("mine", [FEW, NONE], ["no-proposals"])
    with pytest.raises(PipelineError, match=r"proposals 0, threshold 1; .* no-proposals to run\.allow"):
        refuse("mine", [FEW, NONE], ["one-name"])


def test_the_page_lists_every_finding_and_whether_it_stops() -> None:
    page = (REPOSITORY / "docs/reliability.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| \w+ \| `([\w-]+)` \| (yes)? ?\|", page, re.MULTILINE))
    kinds = {kind for part in get_args(Kind) for kind in get_args(part)}
    assert set(listed) == kinds
    assert {kind for kind, stops in listed.items() if stops} == set(get_args(StoppingKind))
