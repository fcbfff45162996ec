"""All artifacts in short, from their manifests alone, so that looking is quick."""

from pathlib import Path
from typing import Any

from ezsd.cache.errors import ArtifactError
from ezsd.cache.manifest import Manifest, read_manifest
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.runner import artifact_folder


def inspect_summary(root: Path) -> dict[str, Any]:
    """State, counts and facts of every stage's artifact, by stage, in the order in which they run."""
    return {stage: _state(artifact_folder(root, stage)) for stage in STAGES}


def outline(manifest: Manifest) -> dict[str, Any]:
    """What the manifest says, without the single files."""
    return {
        "fingerprint": manifest.fingerprint,
        "counts": dict(manifest.counts),
        "facts": dict(manifest.facts),
        "files": len(manifest.files),
        "bytes": sum(file.bytes for file in manifest.files.values()),
    }


def _state(folder: Path) -> dict[str, Any]:
    try:
        return {"state": "complete", **outline(read_manifest(folder))}
    except ArtifactError as error:
        return {"state": str(error)}
