"""Export and import of artifacts as one portable file."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ezsd.cache import manifest, writing
from ezsd.cache.atomic import is_leftover
from ezsd.cache.folders import INCOMPLETE, MANIFEST, artifact_files
from ezsd.cache.portable import PortableFile, artifact_bytes, export_artifacts, open_portable
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import Params
from ezsd.pipeline.progress import show_progress
from ezsd.pipeline.runner import Stages, artifact_folder, only_run, require_current


def export_stages(stages: Stages, names: Sequence[str], params: Params, root: Path, path: Path) -> int:
    """Write the current artifacts of the named stages into `path`; return their size in bytes.

    Raises:
        ArtifactError: an artifact is not current, or is damaged.
        PipelineError: a run is working on one of them.
    """
    folders = {name: artifact_folder(root, name) for name in names}
    with ExitStack() as locks:
        for name, folder in folders.items():
            locks.enter_context(only_run(folder))
            require_current(stages, name, params, root)
        size = sum(artifact_bytes(manifest.read_manifest(folder)) for folder in folders.values())
        with show_progress("export", size, "bytes") as progress:
            export_artifacts(path, folders, progress.advance)
    return size


def import_stages(
    names: Sequence[str], root: Path, path: Path, force: bool, stores: str | None = None
) -> list[str]:
    """Import the artifacts of `path` that are among `names`; return the names of the imported ones.

    Args:
        names: of the stages.
        root: folder of `params.yaml`.
        path: the portable file.
        force: replace artifacts that differ; refused otherwise.
        stores: `run.stores`; replacing an artifact removes its shards below this URL.

    Raises:
        ArtifactError: the file is truncated, damaged or of another kind.
        PipelineError: another artifact is in the way.
    """
    with open_portable(path) as file:
        wanted = [name for name in names if name in file.stages]
        if not wanted:
            raise PipelineError(f"{path} holds no artifact of {', '.join(names)}")
        sizes = {name: artifact_bytes(file.manifest(name)) for name in wanted}
        missing = [name for name in wanted if not _is_there(file, name, artifact_folder(root, name), force)]
        with show_progress("import", sum(sizes[name] for name in missing), "bytes") as progress:
            for name in missing:
                folder = artifact_folder(root, name)
                with only_run(folder):
                    file.import_into(name, folder, progress.advance, stores)
    return missing


def _is_there(file: PortableFile, name: str, folder: Path, force: bool) -> bool:
    """Whether the folder holds the same artifact; raises PipelineError if another may not be replaced."""
    if file.same_as(name, folder):
        return True
    resumes = (folder / INCOMPLETE).is_file() and (
        writing.claimed_fingerprint(folder) == file.manifest(name).fingerprint
    )
    files = [path for path in artifact_files(folder).values() if not is_leftover(path.name)]
    if not force and not resumes and (files or (folder / MANIFEST).is_file()):
        raise PipelineError(
            f"{folder} holds another artifact than the file: import with --force to replace it"
        )
    return False
