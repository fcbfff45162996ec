"""Parts that an interrupted stage left are checked before they are used."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.jobs.job import PartsJob


@dataclass(frozen=True)
class Squares(PartsJob):
    parts: Path
    per_shard: int = 2

    def __len__(self) -> int:
        return 3

    def __call__(self, shard: int) -> dict[str, float]:
        self.publish(shard, [{"of": row, "is": row * row} for row in self.rows(shard)])
        return {}


def test_a_flipped_number_in_a_part_is_not_used(tmp_path: Path) -> None:
    job = Squares(tmp_path)
    for shard in range(job.shards):
        job(shard)
    assert job.read_all() == [[{"of": 0, "is": 0}, {"of": 1, "is": 1}], [{"of": 2, "is": 4}]]
    part = tmp_path / "000001.json"
    part.write_text(part.read_text().replace('"is": 4', '"is": 5'))
    with pytest.raises(ArtifactError, match=r"000001\.json is damaged: .*; delete it and run again"):
        job.read(1)
