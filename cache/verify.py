"""Check an artifact folder file by file against its manifest."""

import json
import re
from pathlib import Path

from cache.atomic import sha256_file
from cache.errors import ArtifactError
from cache.folders import artifact_files
from cache.layout import ShardLayout
from cache.manifest import FileRecord, read_manifest, size_problem

_SHARD = re.compile(r"(?P<store>.*?)(?P<array>[^/]+)/c/(?P<shard>\d+)(/\d+)*")


def verify(folder: Path, mend: str, full: bool = True) -> list[str]:
    """What is wrong with an artifact: one sentence each, with the mend; empty when all is well.

    Names files that are missing, extra or damaged, and for a shard its number and rows.
    full: compare checksums; otherwise sizes only, which costs no reading.
    """
    try:
        files = read_manifest(folder).files
    except ArtifactError as error:
        return [f"{error}; {mend}"]
    found = artifact_files(folder)
    problems = [
        f"{folder / name}{_rows_of(folder, name)} {problem}; {_first(problem, folder / name)}{mend}"
        for name, record in sorted(files.items())
        if (
            problem := size_problem(folder / name, record) or (_damage(found[name], record) if full else None)
        )
    ]
    extra = [
        f"{folder / name} is not of this artifact; delete it" for name in sorted(found.keys() - files.keys())
    ]
    return problems + extra


def _damage(path: Path, record: FileRecord) -> str | None:
    return None if sha256_file(path) == record.sha256 else "is damaged: its checksum does not agree"


def _first(problem: str, path: Path) -> str:
    """A damaged file of the right size passes the quick checks until it is gone."""
    return f"delete {path} and " if problem.startswith("is damaged") else ""


def _rows_of(folder: Path, name: str) -> str:
    """` (shard 5 of 'embeddings', rows 320 to 383)` for the object of a shard."""
    match = _SHARD.fullmatch(name)
    if not match:
        return ""
    try:
        attributes = json.loads((folder / match["store"] / "zarr.json").read_bytes())["attributes"]
        rows = ShardLayout.from_json(attributes["sharded_store"]).shard_range(int(match["shard"]))
    except (OSError, KeyError, TypeError, ValueError, ArtifactError):
        return f" (shard {match['shard']} of {match['array']!r})"
    return f" (shard {match['shard']} of {match['array']!r}, rows {rows.start} to {rows.stop - 1})"
