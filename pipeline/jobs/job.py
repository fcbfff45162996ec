"""Work in numbered shards; any worker can compute any shard, and each is published separately."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from ezsd.cache.atomic import write_json_atomic
from ezsd.cache.checked import read_json
from ezsd.cache.errors import ArtifactError
from ezsd.cache.objects import Location
from ezsd.cache.sharded import ShardedStore


class Job(ABC):
    """Base of frozen dataclasses that describe work; a call with a shard's number does that shard.

    A job is sent to a worker with each shard, so its fields hold no models and no large arrays, only where to
    find them.

    Attributes:
        unit: plural name of what :meth:`size` counts.
        label: name of the work; None for the stage's name.
    """

    unit: str = "photos"
    label: str | None = None

    @property
    @abstractmethod
    def shards(self) -> int:
        """Number of shards, numbered from 0."""

    @abstractmethod
    def size(self, shard: int) -> int:
        """Units of work in a shard."""

    @abstractmethod
    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""

    @abstractmethod
    def __call__(self, shard: int) -> dict[str, float]:
        """Compute and publish the shard; return tallies for the progress, such as `{"forwards": 9000}`."""

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields alone, without anything that this process has opened or read."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


class StoreJob(Job):
    """Fills a sharded store: each shard of the work is one of the store.

    Attributes:
        location: of the store, which must have been created.
    """

    location: Location

    @cached_property
    def store(self) -> ShardedStore:
        """The store, opened once per process."""
        return ShardedStore.open(self.location)

    @property
    def shards(self) -> int:
        """Number of shards."""
        return self.store.shards

    def rows(self, shard: int) -> range:
        """Rows of the store in a shard."""
        return self.store.shard_range(shard)

    def size(self, shard: int) -> int:
        """Rows in a shard."""
        return len(self.rows(shard))

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""
        return self.store.is_done(shard)


class PartsJob(Job):
    """Processes numbered items; each shard writes one JSON file.

    Attributes:
        parts: folder of the files.
        per_shard: items in a shard.
    """

    parts: Path
    per_shard: int

    @abstractmethod
    def __len__(self) -> int:
        """Number of items."""

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-len(self) // self.per_shard)

    def size(self, shard: int) -> int:
        """Items in a shard."""
        return len(self.rows(shard))

    def is_done(self, shard: int) -> bool:
        """Whether an earlier run published the shard."""
        return self._part(shard).is_file()

    def rows(self, shard: int) -> range:
        """Numbers of the items in a shard."""
        return range(shard * self.per_shard, min((shard + 1) * self.per_shard, len(self)))

    def publish(self, shard: int, found: object) -> None:
        """Write the shard's file, whole or not at all."""
        write_json_atomic(self._part(shard), {"found": found, "sha256": _digest(found)})

    def read(self, shard: int) -> Any:
        """Result of a published shard. Raises ArtifactError when its file is damaged."""
        path = self._part(shard)
        part = read_json(path, "delete it and run again")
        if not isinstance(part, dict) or part.get("sha256") != _digest(part.get("found")):
            raise ArtifactError(f"{path} is damaged: its checksum does not agree; delete it and run again")
        return part["found"]

    def read_all(self) -> list[Any]:
        """Results of all shards in order; all must be published."""
        return [self.read(shard) for shard in range(self.shards)]

    def _part(self, shard: int) -> Path:
        return self.parts / f"{shard:06d}.json"


@dataclass(frozen=True)
class JobChain(Job):
    """Jobs run as one, with consecutive shard numbers, so that workers start only once."""

    jobs: Sequence[Job]
    unit: str
    label: str | None = None

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
        """Compute and publish the shard."""
        job, number = self._find(shard)
        return job(number)

    def _find(self, shard: int) -> tuple[Job, int]:
        for job in self.jobs:
            if shard < job.shards:
                return job, shard
            shard -= job.shards
        raise IndexError(f"there are {self.shards} shards")


def _digest(found: object) -> str:
    """Checksum of a part: a running stage has no manifest yet.

    Not of `json_bytes`: indented JSON is encoded in Python, which takes most of the time of reading a part.
    """
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
