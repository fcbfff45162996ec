"""Opens, completes and removes an artifact's folder.

The manifest is written last, by rename, after every other file was hashed.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ezsd.cache.atomic import json_bytes, sweep_leftovers, write_bytes_atomic, write_json_atomic
from ezsd.cache.contents import Contents, erase_shards, read_location, shards_url, write_location
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import INCOMPLETE, MANIFEST, artifact_files, remove_file, wipe
from ezsd.cache.manifest import (
    SCHEMA,
    FileRecord,
    Manifest,
    fingerprint,
    parse_manifest,
    read_manifest,
    read_object,
    size_problem,
)

CLAIM = "claim.json"
"""File at the URL of shards that names their artifact."""


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


def erase(folder: Path, stage: str, stores: str | None) -> None:
    """Remove an artifact, and its shards at a URL if that is its own place below `stores`."""
    url, made = read_location(folder), claimed_fingerprint(folder)
    if url and stores and made and url == shards_url(stores, stage, made):
        erase_shards(url)
    wipe(folder)


def claimed_fingerprint(folder: Path) -> str | None:
    """Return the fingerprint that the folder's files belong to; None if unknown."""
    try:
        if (folder / MANIFEST).is_file():
            return parse_manifest(folder / MANIFEST).fingerprint
        return str(_read_claim(folder / INCOMPLETE)["fingerprint"])
    except ArtifactError:
        return None


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
        return read_object(mark).get("stage") == stage
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


def _read_claim(path: Path) -> dict[str, Any]:
    claim = read_object(path)
    if claim.get("schema") != SCHEMA or not {"stage", "fingerprint", "inputs"} <= claim.keys():
        raise ArtifactError(f"{path} is damaged or of another version; run its stage from the start")
    if fingerprint(claim["stage"], claim["inputs"]) != claim["fingerprint"]:
        raise ArtifactError(f"{path} is damaged: its fingerprint is not that of its inputs")
    return claim
