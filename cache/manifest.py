"""The manifest of an artifact folder: what it was made from, what it holds, whether it is complete.

A stage's folder is complete when it has `manifest.json` and no `incomplete.json`. `cache/writing.py` writes
both.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezsd.cache.atomic import json_bytes, parse_json, sha256_file
from ezsd.cache.contents import Contents, read_location
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import INCOMPLETE, LOCATION, MANIFEST
from ezsd.cache.lock import is_held

SCHEMA = 1


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 (64 hex digits) of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The record of a complete artifact.

    Attributes:
        schema: version of this format.
        stage: that made the artifact.
        fingerprint: SHA-256 of schema, stage and inputs.
        inputs: everything that can change the bytes: params, code digests, parents' manifest digests,
            weights' hashes.
        counts: numbers of rows, photos, boxes and so on.
        facts: other information for readers.
        files: relative POSIX path -> size and checksum, of every file but the manifest itself.
    """

    schema: int
    stage: str
    fingerprint: str
    inputs: Mapping[str, Any]
    counts: Mapping[str, Any]
    facts: Mapping[str, Any]
    files: Mapping[str, FileRecord]


def fingerprint(stage: str, inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hex digits) of the canonical JSON of schema, stage and inputs."""
    return hashlib.sha256(json_bytes({"schema": SCHEMA, "stage": stage, "inputs": inputs})).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a complete artifact.

    Raises:
        ArtifactError: the folder is missing, incomplete or of another schema, or the manifest is truncated or
            contradicts itself.
    """
    path = folder / MANIFEST
    if (folder / INCOMPLETE).exists() and is_held(folder):
        raise ArtifactError(f"{folder} is incomplete: another run is making it; wait for it to end")
    if (folder / INCOMPLETE).exists():
        raise ArtifactError(f"{folder} is incomplete: the run that was writing it was interrupted")
    if not path.is_file():
        raise ArtifactError(f"{folder} is missing: there is no {MANIFEST} in it")
    manifest = parse_manifest(path)
    url = read_location(folder)
    if url is not None and not url.endswith(f"/{manifest.fingerprint}"):
        raise ArtifactError(f"{folder / LOCATION} is damaged: it names the shards of another artifact")
    return manifest


def manifest_digest(folder: Path) -> str:
    """Return the SHA-256 of `manifest.json`, by which a child names its parent. Raises as `read_manifest`."""
    read_manifest(folder)
    return sha256_file(folder / MANIFEST)


def is_current(folder: Path, inputs: Mapping[str, Any]) -> bool:
    """Whether the artifact is complete, made from these inputs, and its files exist with their sizes."""
    try:
        require_current(folder, inputs, fix="")
    except ArtifactError:
        return False
    return True


def require_current(folder: Path, inputs: Mapping[str, Any], fix: str) -> Manifest:
    """Return the manifest of an artifact that is complete and made from `inputs`.

    Args:
        folder: the artifact's folder.
        inputs: what it must have been made from.
        fix: what to do, such as `run: ezsd-cli precompute --only mine`; it ends the error's sentence.

    Raises:
        ArtifactError: the artifact is missing, incomplete, of another schema or stale (naming each differing
            input with its old and new value), or a file is missing or of another size.
    """
    manifest = require_complete(folder, fix)
    changes = describe_changes(manifest.inputs, json.loads(json_bytes(inputs)))
    if changes:
        raise ArtifactError(f"{folder} is stale: {changes}; {fix}")
    return manifest


def require_complete(folder: Path, fix: str) -> Manifest:
    """As `require_current`, whatever the artifact was made from."""
    try:
        manifest = read_manifest(folder)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; {fix}") from error
    contents = Contents(folder)
    sizes = contents.sizes()
    for name, record in manifest.files.items():
        problem = size_problem(sizes.get(name), record)
        if problem:
            raise ArtifactError(f"{contents.where(name)} {problem}; {fix}")
    return manifest


def size_problem(size: int | None, record: FileRecord) -> str | None:
    """Compare a file's size (None: no file) with its record: `is missing`, `is damaged: ...`, or None."""
    if size is None:
        return "is missing"
    return None if size == record.bytes else f"is damaged: {size:,} bytes instead of {record.bytes:,}"


def parse_manifest(path: Path) -> Manifest:
    """Read a manifest file. Raises ArtifactError unless it is valid and consistent with itself."""
    return check_manifest(read_object(path), str(path))


def check_manifest(value: Mapping[str, Any], path: str) -> Manifest:
    """Turn a JSON object into a manifest; `path` names it in errors. Raises as `parse_manifest`."""
    if value.get("schema") != SCHEMA:
        raise ArtifactError(
            f"{path} was made by another version: schema {value.get('schema')!r}, not {SCHEMA}"
        )
    try:
        files = {
            name: FileRecord(int(file["bytes"]), str(file["sha256"])) for name, file in value["files"].items()
        }
        manifest = Manifest(**{**value, "files": files})
        made_from = fingerprint(manifest.stage, manifest.inputs)
        if any(file.bytes < 0 for file in files.values()):
            raise ValueError("a size is negative")
        if not all(isinstance(one, dict) for one in (manifest.inputs, manifest.counts, manifest.facts)):
            raise ValueError("inputs, counts and facts are by name")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ArtifactError) as error:
        raise ArtifactError(f"{path} is damaged: its entries are not those of a manifest") from error
    if made_from != manifest.fingerprint:
        raise ArtifactError(f"{path} is damaged: its fingerprint is not that of its inputs")
    return manifest


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises ArtifactError when it is none, truncated or damaged."""
    try:
        value = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read as JSON: it is truncated or damaged") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{path} is damaged: it is not a JSON object")
    return value


_DIGEST = re.compile(r"^[0-9a-f]{32,}$")
_SHOWN = 6
_MISSING = object()


def describe_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Name the keys that differ between two trees of inputs, with their values.

    For instance `params.mine.nms_iou 0.7 -> 0.6, code ezsd/boxes.py changed, parent prepare was re-made`.
    At most six are named, the rest counted. Empty when nothing differs.
    """
    was, now = _leaves(old), _leaves(new)
    keys = [
        key for key in sorted(was.keys() | now.keys()) if was.get(key, _MISSING) != now.get(key, _MISSING)
    ]
    sentences = [_describe(key, was.get(key, _MISSING), now.get(key, _MISSING)) for key in keys]
    if len(sentences) > _SHOWN:
        sentences[_SHOWN:] = [f"and {len(sentences) - _SHOWN} more"]
    return ", ".join(sentences)


def _leaves(tree: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    leaves: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        path = (*prefix, str(key))
        if isinstance(value, Mapping) and value:
            leaves |= _leaves(value, path)
        else:
            leaves[path] = value
    return leaves


def _describe(path: tuple[str, ...], old: Any, new: Any) -> str:
    kind, rest = path[0], ".".join(path[1:])
    if kind == "code":
        return f"code {rest} changed".replace("  ", " ")
    if kind == "parents":
        return f"parent {rest} was re-made"
    return f"{'.'.join(path)} {_value(old)} -> {_value(new)}"


def _value(value: Any) -> str:
    if value is _MISSING:
        return "(none)"
    if isinstance(value, str) and _DIGEST.match(value):
        return value[:8]
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
