"""Photos are decoded in shards; what is unusable is remembered with its reason."""

import json
from hashlib import sha256

import pytest

from ezsd.pipeline.data.coco import CocoFile
from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.pipeline.jobs.job import JobChain
from ezsd.pipeline.jobs.prepare import PhotoInspection


@pytest.fixture
def inspection(tiny_dataset, tmp_path):
    """Two photos a shard: b, a | c, empty | d."""
    photos = CocoFile(tiny_dataset.annotations("train")).photos()
    return PhotoInspection("train", photos, PhotoFolder(tiny_dataset.photos("train")), tmp_path / "parts", 2)


def examine(inspection):
    for shard in range(inspection.shards):
        inspection(shard)
    return inspection.collect()


def test_good_photos_are_usable(inspection):
    assert [inspection.size(shard) for shard in range(inspection.shards)] == [2, 2, 1]
    seen = examine(inspection)
    assert seen.usable.all()
    assert seen.quarantined == ()
    assert [digest.tobytes() for digest in seen.digests] == [
        sha256((inspection.folder.root / name).read_bytes()).digest()[:16]
        for name in inspection.photos.file_names
    ]


def test_bad_photos_are_explained(inspection):
    root = inspection.folder.root
    (root / "a.jpg").write_bytes((root / "a.jpg").read_bytes()[:700])
    (root / "sub" / "c.png").unlink()
    (root / "d.jpg").write_bytes((root / "b.jpg").read_bytes())
    seen = examine(inspection)
    assert seen.usable.tolist() == [True, False, False, True, False]
    assert not seen.digests[2].any() and seen.digests[4].any()
    reasons = {finding.where: finding.reason for finding in seen.quarantined}
    assert "truncated or corrupt" in reasons["train image 7 (a.jpg)"]
    assert "no such file" in reasons["train image 120 (sub/c.png)"]
    assert "64x48 pixels but its annotation says 80x60" in reasons["train image 31 (d.jpg)"]
    assert str(root) not in json.dumps(reasons)


def test_a_shard_with_a_bad_photo_is_examined_again(inspection):
    path = inspection.folder.root / "a.jpg"
    good = path.read_bytes()
    path.write_bytes(b"bad")
    examine(inspection)
    assert [inspection.is_done(shard) for shard in range(3)] == [False, True, True]
    path.write_bytes(good)
    inspection(0)
    assert inspection.is_done(0)
    assert inspection.collect().usable.all()


def test_several_inspections_are_numbered_through(inspection):
    chain = JobChain([inspection, inspection], "photos")
    assert [chain.size(shard) for shard in range(chain.shards)] == [2, 2, 1, 2, 2, 1]
    assert not chain.is_done(4)
    chain(4)
    assert chain.is_done(1)
    with pytest.raises(IndexError, match="6 shards"):
        chain(6)
