"""Work in numbered shards, and several such works as one: workers start once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
