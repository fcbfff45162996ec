"""The manifest of an artifact folder: what it was made from, what it holds, whether it is complete.

A stage's folder is complete when it has `manifest.json` and no `incomplete.json`. The manifest is written
last, by rename, after every other file was hashed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ezsd.cache.atomic import (
    json_bytes,
    parse_json,
    sha256_file,
    sweep_leftovers,
    write_bytes_atomic,
    write_json_atomic,
)
from ezsd.cache.contents import Contents
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import INCOMPLETE, LOCATION, MANIFEST, artifact_files, remove_file, wipe
from ezsd.cache.location import erase_shards, read_location, shards_url, write_location
from ezsd.cache.lock import is_held
from ezsd.cache.staleness import describe_changes

SCHEMA = 1
CLAIM = "claim.json"
"""File at the URL of shards that names their artifact."""


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


def begin(
    folder: Path, stage: str, inputs: Mapping[str, Any], url: str | None = None, stores: str | None = None
) -> bool:
    """Open `folder` for writing.

    Temporary files of killed writers are removed. An artifact of another fingerprint, or with shards in
    another place, is removed. A complete one of the same fingerprint keeps its intact files; damaged ones are
    removed, so that only they are made again.

    Args:
        folder: the artifact's folder.
        stage: that writes it.
        inputs: what it is made from.
        url: where to put the shards, see `shards_url`; in the folder by default.
        stores: URL of all stores; shards of a removed artifact are removed only at their own place below it.

    Returns:
        Whether the folder holds earlier work of the same fingerprint.

    Raises:
        ArtifactError: the folder holds files of something else, or the URL cannot be written to; nothing was
            changed.
    """
    claim = {"schema": SCHEMA, "stage": stage, "fingerprint": fingerprint(stage, inputs), "inputs": inputs}
    if url is not None:
        from ezsd.cache.objects import Objects  # Zarr is slow to import, and few artifacts lie at a URL

        Objects(url).put(CLAIM, json_bytes(claim))
    sweep_leftovers(folder)
    resumes = claimed_fingerprint(folder) == claim["fingerprint"] and read_location(folder) == url
    if not resumes:
        _clear(folder, stage, stores)
    write_json_atomic(folder / INCOMPLETE, claim)
    if url is not None:
        write_location(folder, url)
    if (folder / MANIFEST).is_file():
        _reopen(folder)
    return resumes


def publish(folder: Path, counts: Mapping[str, Any], facts: Mapping[str, Any]) -> Manifest:
    """Complete the folder that `begin` opened: hash every file, then write the manifest.

    Raises:
        ArtifactError: the folder was not opened by `begin`.
    """
    if not (folder / INCOMPLETE).is_file():
        raise ArtifactError(
            f"{folder} was not begun, so it cannot be published; run its stage from the start"
        )
    claim = _read_claim(folder / INCOMPLETE)
    sweep_leftovers(folder)
    contents = Contents(folder)
    sizes, checksums = contents.sizes(), contents.written_checksums()
    files = {name: FileRecord(size, checksums[name]) for name, size in sizes.items()}
    write_json_atomic(
        folder / MANIFEST, asdict(Manifest(**claim, counts=dict(counts), facts=dict(facts), files=files))
    )
    remove_file(folder / INCOMPLETE)
    return read_manifest(folder)


def adopt(folder: Path, data: bytes) -> None:
    """Complete the folder that `begin` opened with the bytes of a manifest made elsewhere.

    The caller has compared the checksums of its files with that manifest.
    """
    write_bytes_atomic(folder / MANIFEST, data)
    remove_file(folder / INCOMPLETE)


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


def claimed_fingerprint(folder: Path) -> str | None:
    """Return the fingerprint that the folder's files belong to; None if unknown."""
    try:
        if (folder / MANIFEST).is_file():
            return parse_manifest(folder / MANIFEST).fingerprint
        return str(_read_claim(folder / INCOMPLETE)["fingerprint"])
    except ArtifactError:
        return None


def erase(folder: Path, stage: str, stores: str | None) -> None:
    """Remove an artifact, and its shards at a URL if that is its own place below `stores`."""
    url, made = read_location(folder), claimed_fingerprint(folder)
    if url and stores and made and url == shards_url(stores, stage, made):
        erase_shards(url)
    wipe(folder)


def _clear(folder: Path, stage: str, stores: str | None) -> None:
    marks = [mark for mark in (MANIFEST, INCOMPLETE) if (folder / mark).is_file()]
    foreign = [mark for mark in marks if not _may_be_of(folder / mark, stage)]
    if not marks:
        foreign = list(artifact_files(folder))
    if foreign:
        raise ArtifactError(
            f"{folder} holds files that {stage} did not make, such as {foreign[0]}; move them away"
        )
    erase(folder, stage, stores)


def _may_be_of(mark: Path, stage: str) -> bool:
    """Whether a mark may belong to the stage, whatever its schema; a damaged one may."""
    try:
        return _read_json(mark).get("stage") == stage
    except ArtifactError:
        return True


def _reopen(folder: Path) -> None:
    """Remove the manifest, but first each file that differs from it: a kill in between loses none."""
    files, contents = parse_manifest(folder / MANIFEST).files, Contents(folder)
    for name, size in contents.sizes().items():
        if (
            name not in files
            or size_problem(size, files[name])
            or contents.checksum(name) != files[name].sha256
        ):
            contents.remove(name)
    remove_file(folder / MANIFEST)


def size_problem(size: int | None, record: FileRecord) -> str | None:
    """Compare a file's size (None: no file) with its record: `is missing`, `is damaged: ...`, or None."""
    if size is None:
        return "is missing"
    return None if size == record.bytes else f"is damaged: {size:,} bytes instead of {record.bytes:,}"


def parse_manifest(path: Path) -> Manifest:
    """Read a manifest file. Raises ArtifactError unless it is valid and consistent with itself."""
    return check_manifest(_read_json(path), str(path))


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
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, ArtifactError) as error:
        raise ArtifactError(f"{path} is damaged: its entries are not those of a manifest") from error
    if made_from != manifest.fingerprint:
        raise ArtifactError(f"{path} is damaged: its fingerprint is not that of its inputs")
    return manifest


def _read_claim(path: Path) -> dict[str, Any]:
    claim = _read_json(path)
    if claim.get("schema") != SCHEMA or not {"stage", "fingerprint", "inputs"} <= claim.keys():
        raise ArtifactError(f"{path} is damaged or of another version; run its stage from the start")
    if fingerprint(claim["stage"], claim["inputs"]) != claim["fingerprint"]:
        raise ArtifactError(f"{path} is damaged: its fingerprint is not that of its inputs")
    return claim


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read as JSON: it is truncated or damaged") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{path} is damaged: it is not a JSON object")
    return value
