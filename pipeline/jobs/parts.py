"""Work in numbered shards, and several such works as one: workers start once for all of them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ezsd.cache.atomic import write_json_atomic


class Job(Protocol):
    """Work that is cut into shards 0 to shards - 1, each done apart and published by itself."""

    @property
    def shards(self) -> int:
        """Number of shards."""

    def size(self, shard: int) -> int:
        """Units of work in a shard."""

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""

    def __call__(self, shard: int) -> dict[str, float]:
        """Do the shard and publish it."""


class PartsJob(ABC):
    """Base of a `Job` over numbered things, each shard of which leaves one JSON file.

    Attributes:
        parts: folder of the files.
        per_shard: things in a shard.
    """

    parts: Path
    per_shard: int

    @abstractmethod
    def __len__(self) -> int:
        """Number of things."""

    @abstractmethod
    def __call__(self, shard: int) -> dict[str, float]:
        """Do the shard and `publish` it."""

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-len(self) // self.per_shard)

    def size(self, shard: int) -> int:
        """Things in a shard."""
        return len(self.rows(shard))

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""
        return self._part(shard).is_file()

    def rows(self, shard: int) -> range:
        """Numbers of the things in a shard."""
        return range(shard * self.per_shard, min((shard + 1) * self.per_shard, len(self)))

    def publish(self, shard: int, found: object) -> None:
        """Write the shard's file, whole or not at all."""
        write_json_atomic(self._part(shard), found)

    def read(self, shard: int) -> Any:
        """What a published shard found."""
        return json.loads(self._part(shard).read_bytes())

    def read_all(self) -> list[Any]:
        """What all shards found, in their order; all must have been published."""
        return [self.read(shard) for shard in range(self.shards)]

    def _part(self, shard: int) -> Path:
        return self.parts / f"{shard:06d}.json"


@dataclass(frozen=True)
class JobChain:
    """Jobs one after the other, their shards numbered through."""

    jobs: Sequence[Job]

    @property
    def shards(self) -> int:
        """Number of shards of all jobs."""
        return sum(job.shards for job in self.jobs)

    def size(self, shard: int) -> int:
        """Units of work in a shard."""
        job, number = self._find(shard)
        return job.size(number)

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""
        job, number = self._find(shard)
        return job.is_done(number)

    def __call__(self, shard: int) -> dict[str, float]:
        """Do the shard and publish it."""
        job, number = self._find(shard)
        return job(number)

    def _find(self, shard: int) -> tuple[Job, int]:
        for job in self.jobs:
            if shard < job.shards:
                return job, shard
            shard -= job.shards
        raise IndexError(f"there are {self.shards} shards")
