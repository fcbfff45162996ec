"""Findings in mined proposals."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ezsd.cache.artifacts import Mined, mined_arrays
from ezsd.pipeline.findings.finding import Finding
from ezsd.pipeline.findings.mining import mining_findings

KEEP = 40


def findings_of(
    folder: Path, counts: Sequence[int], labels: Sequence[int], names: Sequence[str] = ("cat", "fox", "owl")
) -> dict[str, Finding]:
    """Findings in a store; `counts` are the photos' proposals, whose names repeat `labels`."""
    mined = Mined(folder)
    attributes = {
        "names": names,
        "base_count": 1,
        "protocol": "names known",
        "score": "certainty",
        "scored_context_factor": 1.0,
    }
    mined.create(len(counts), 3, KEEP, attributes)
    specs, named = mined_arrays(KEEP), iter(np.resize(labels, sum(counts)).tolist())
    for shard in range(mined.store.shards):
        photos = mined.store.shard_range(shard)
        rows = {
            name: np.full((len(photos), *spec.shape), spec.fill, spec.dtype) for name, spec in specs.items()
        }
        for place, photo in enumerate(photos):
            rows["count"][place] = counts[photo]
            rows["labels"][place, : counts[photo]] = [next(named) for _ in range(counts[photo])]
        mined.store.write_shard(shard, rows)
    mined.store.finish()
    return {finding.kind: finding for finding in mining_findings(mined)}


def test_many_proposals_of_several_names_are_no_finding(tmp_path: Path) -> None:
    assert findings_of(tmp_path, [40, 30, 0, 35, 20], [1, 2, 1]) == {}


def test_no_proposals_stop(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, [0, 0, 0, 0], [1]).values()
    assert (finding.kind, finding.number, finding.stops) == ("no-proposals", 0, True)


def test_few_proposals_on_a_handful_of_photos(tmp_path: Path) -> None:
    found = findings_of(tmp_path, [8, *[0] * 11], [1, 2])
    assert {kind: finding.number for kind, finding in found.items()} == {
        "few-proposals": 8 / 12,
        "few-photos-with-proposals": 1 / 12,
    }
    assert not any(finding.stops for finding in found.values())


def test_nearly_all_proposals_of_one_name(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, [40, 40, 40], [2] * 19 + [1]).values()
    assert (finding.kind, finding.number, finding.stops) == ("frequent-name", 0.95, False)
    assert "'owl'" in finding.what


def test_all_proposals_of_one_name_stop(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, [40, 40, 40], [1]).values()
    assert (finding.kind, finding.number, finding.stops) == ("one-name", 1.0, True)


def test_one_name_is_no_finding_without_others_to_choose_or_among_few_proposals(tmp_path: Path) -> None:
    assert findings_of(tmp_path / "a", [40, 40, 40], [1], names=("cat", "fox")) == {}
    assert findings_of(tmp_path / "b", [33, 33, 33], [1]) == {}
