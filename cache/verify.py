"""Check an artifact folder file by file against its manifest."""

import re
from pathlib import Path

from ezsd.cache.atomic import parse_json
from ezsd.cache.contents import Contents
from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ShardLayout
from ezsd.cache.manifest import FileRecord, read_manifest, size_problem

_SHARD = re.compile(r"(?P<store>.*?)(?P<array>[^/]+)/c/(?P<shard>\d+)(/\d+)*")


def verify(folder: Path, fix: str, full: bool = True) -> list[str]:
    """List what is wrong with an artifact, one sentence each; empty when it is intact.

    The sentences name files that are missing, extra or damaged, and for a shard its number and rows.

    Args:
        folder: the artifact's folder.
        fix: what to do; it ends each sentence.
        full: compare checksums; otherwise only sizes, without reading files.
    """
    try:
        files, contents = read_manifest(folder).files, Contents(folder)
        sizes = contents.sizes()
    except ArtifactError as error:
        return [f"{error}; {fix}"]
    problems = [
        f"{contents.where(name)}{_rows_of(contents, name)} {problem}; "
        f"{_deletion(problem, contents.where(name))}{fix}"
        for name, record in sorted(files.items())
        if (
            problem := size_problem(sizes.get(name), record)
            or (_damage(contents, name, record) if full else None)
        )
    ]
    extra = [
        f"{contents.where(name)} is not part of this artifact; delete it"
        for name in sorted(sizes.keys() - files.keys())
    ]
    return problems + extra


def _damage(contents: Contents, name: str, record: FileRecord) -> str | None:
    return None if contents.checksum(name) == record.sha256 else "is damaged: its checksum does not agree"


def _deletion(problem: str, where: str) -> str:
    """A damaged file of the right size passes the quick checks, so it has to be deleted first."""
    return f"delete {where} and " if problem.startswith("is damaged") else ""


def _rows_of(contents: Contents, name: str) -> str:
    """Return ` (shard 5 of 'embeddings', rows 320 to 383)` for the object of a shard."""
    match = _SHARD.fullmatch(name)
    if not match:
        return ""
    try:
        attributes = parse_json(b"".join(contents.pieces(f"{match['store']}zarr.json")))["attributes"]
        rows = ShardLayout.from_json(attributes["sharded_store"]).shard_range(int(match["shard"]))
    except (OSError, KeyError, TypeError, ValueError, ArtifactError):
        return f" (shard {match['shard']} of {match['array']!r})"
    return f" (shard {match['shard']} of {match['array']!r}, rows {rows.start} to {rows.stop - 1})"
