"""Finished artifacts in one HDF5 file, to carry them to another machine with the same bytes.

Each artifact is a group, and each of its files, the manifest included, a dataset of bytes under the file's
path. Files are written and read piece by piece, so that memory stays flat. A file to import is untrusted:
every checksum is compared, no path leaves the artifact, and none is that of a mark, which could redirect the
shards.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage

import h5py
import numpy as np

from ezsd.cache import manifest, writing
from ezsd.cache.atomic import (
    flush_file,
    is_leftover,
    parse_json,
    sha256_file,
    sweep_leftovers_of,
    written_aside,
)
from ezsd.cache.contents import PIECE, Contents
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import INCOMPLETE, MANIFEST, MARKS, artifact_files, remove_file
from ezsd.cache.hdf5 import FileSink, stored_dataset
from ezsd.cache.manifest import FileRecord, Manifest

KIND = "ezsd artifacts"
SCHEMA = 1

LARGEST_MANIFEST = 1 << 28
"""Bytes; that of a million files."""

OnBytes = Callable[[int], None]
"""Called with the size of every piece that was written."""


def export_artifacts(path: Path, folders: Mapping[str, Path], on_bytes: OnBytes) -> None:
    """Write complete artifacts, by stage, into the file `path`: whole or not at all.

    The same artifacts give the same bytes.

    Raises:
        ArtifactError: an artifact is incomplete or differs from its manifest, or the disk is full or refuses.
    """
    size = sum(artifact_bytes(manifest.read_manifest(folder)) for folder in folders.values())
    with written_aside(path, size) as aside:
        sweep_leftovers_of(path)
        with FileSink(aside, "x+") as sink:
            _write_all(sink, folders, on_bytes)
            sink.require_written()
        flush_file(aside)


def _write_all(sink: "FileSink", folders: Mapping[str, Path], on_bytes: OnBytes) -> None:
    def on_piece(size: int) -> None:
        sink.require_written()
        on_bytes(size)

    with h5py.File(sink, "w") as file:
        file.attrs["kind"], file.attrs["schema"] = KIND, SCHEMA
        for stage, folder in folders.items():
            _export(file.create_group(stage), folder, on_piece)


def artifact_bytes(made: Manifest) -> int:
    """Bytes of all files of an artifact but the manifest itself."""
    return sum(record.bytes for record in made.files.values())


class PortableFile:
    """A file that `export_artifacts` may have written; made by `open_portable`."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self._path, self._file = path, file

    @property
    def stages(self) -> list[str]:
        """Stages of the artifacts in the file, sorted."""
        return sorted(self._file)

    def manifest(self, stage: str) -> Manifest:
        """Return an artifact's checked manifest. Raises ArtifactError when it is missing or invalid."""
        where = f"{self._path}: {stage}/{MANIFEST}"
        try:
            value = parse_json(self._manifest_bytes(stage))
        except ValueError as error:
            raise ArtifactError(f"{where} cannot be read as JSON: the file is damaged") from error
        if not isinstance(value, dict):
            raise ArtifactError(f"{where} is damaged: it is not a JSON object")
        found = manifest.check_manifest(value, where)
        if found.stage != stage:
            raise ArtifactError(f"{where} is that of {found.stage!r}: the file is damaged or foreign")
        for name in found.files:
            _check_name(name, where)
        return found

    def same_as(self, stage: str, folder: Path) -> bool:
        """Whether the folder holds exactly this artifact, complete."""
        if (folder / INCOMPLETE).exists() or not (folder / MANIFEST).is_file():
            return False
        return (folder / MANIFEST).read_bytes() == self._manifest_bytes(stage)

    def import_into(self, stage: str, folder: Path, on_bytes: OnBytes, stores: str | None = None) -> None:
        """Make `folder` hold the artifact, replacing a stage's earlier one; the manifest comes last.

        Files of an interrupted import are kept.

        Args:
            stage: of the artifact.
            folder: the artifact's folder.
            on_bytes: called with the size of every piece.
            stores: as for `writing.begin`.

        Raises:
            ArtifactError: a file differs from its checksum, a name leads out of the folder, or the disk is
                full or refuses.
        """
        made = self.manifest(stage)
        self._require_room(made, folder)
        writing.begin(folder, stage, made.inputs, stores=stores)
        present = artifact_files(folder)
        for name in present.keys() - made.files.keys():
            remove_file(folder / name)
        for name, record in made.files.items():
            if name in present and sha256_file(present[name]) == record.sha256:
                on_bytes(record.bytes)
            else:
                self._import_file(stage, name, record, folder / name, on_bytes)
        writing.adopt(folder, self._manifest_bytes(stage))

    def _require_room(self, made: Manifest, folder: Path) -> None:
        """Refuse an artifact that is larger than the file or the free space, before anything is written."""
        size = artifact_bytes(made)
        if size > self._path.stat().st_size:
            raise ArtifactError(
                f"{self._path} is smaller than the {size:,} bytes of its {made.stage}: the file is foreign"
            )
        place = next(parent for parent in folder.absolute().parents if parent.is_dir())
        free = disk_usage(place).free + sum(path.stat().st_size for path in artifact_files(folder).values())
        if size > free:
            raise ArtifactError(
                f"{made.stage} takes {size:,} bytes, but {place} has {free:,} left: free space, import again"
            )

    def _import_file(self, stage: str, name: str, record: FileRecord, path: Path, on_bytes: OnBytes) -> None:
        dataset, digest = self._dataset(stage, name), hashlib.sha256()
        if len(dataset) != record.bytes:
            raise self._damaged(stage, name)
        with written_aside(path, record.bytes) as aside:
            with aside.open("xb") as file:
                for piece in _pieces(dataset):
                    digest.update(piece)
                    file.write(piece)
                    on_bytes(len(piece))
            if digest.hexdigest() != record.sha256:
                raise self._damaged(stage, name)
            flush_file(aside)

    def _manifest_bytes(self, stage: str) -> bytes:
        dataset = self._dataset(stage, MANIFEST)
        if len(dataset) > LARGEST_MANIFEST:
            raise self._damaged(stage, MANIFEST)
        return b"".join(_pieces(dataset))

    def _dataset(self, stage: str, name: str) -> h5py.Dataset:
        try:
            found = stored_dataset(self._file, f"{stage}/{name}")
        except KeyError:
            raise ArtifactError(f"{self._path} lacks {stage}/{name}: it is damaged or foreign") from None
        plain = found.dtype == np.uint8 and found.ndim == 1
        if not plain or found.id.get_storage_size() != len(found):
            raise ArtifactError(f"{self._path}: {stage}/{name} is not plain bytes; the file is foreign")
        return found

    def _damaged(self, stage: str, name: str) -> ArtifactError:
        return ArtifactError(
            f"{self._path}: {stage}/{name} does not agree with its manifest; export or copy the file again"
        )


@contextmanager
def open_portable(path: Path) -> Iterator[PortableFile]:
    """Open a file to import from.

    Raises:
        ArtifactError: the file is missing, truncated, damaged or of another kind or schema; also while the
            block reads it.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing; make it with `ezsd-cli cache export`")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("kind") != KIND:
                raise ArtifactError(f"{path} is not an export of artifacts; give a file of `cache export`")
            if file.attrs.get("schema") != SCHEMA:
                raise ArtifactError(
                    f"{path} is of schema {file.attrs.get('schema')}, not {SCHEMA}; export it again"
                )
            yield PortableFile(path, file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        if isinstance(error, RuntimeError) and type(error) is not RuntimeError:
            raise  # it has its own message
        raise ArtifactError(f"{path} is truncated or damaged; export or copy it again") from error


def _export(group: h5py.Group, folder: Path, on_bytes: OnBytes) -> None:
    made = manifest.require_complete(folder, fix="make it again before you export it")
    contents = Contents(folder)
    _put(group, MANIFEST, contents, (folder / MANIFEST).stat().st_size, lambda size: None)
    for name, record in made.files.items():
        if _put(group, name, contents, record.bytes, on_bytes) != record.sha256:
            raise ArtifactError(
                f"{contents.where(name)} is damaged: its checksum does not agree; run `ezsd-cli verify`"
            )


def _put(group: h5py.Group, name: str, contents: Contents, size: int, on_bytes: OnBytes) -> str:
    """Copy a file into a dataset; return the SHA-256 of the copied bytes."""
    dataset = group.create_dataset(name, shape=(size,), dtype=np.uint8, track_times=False)
    digest, start = hashlib.sha256(), 0
    for piece in contents.pieces(name):
        digest.update(piece)
        dataset[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
        start += len(piece)
        on_bytes(len(piece))
    return digest.hexdigest()


def _pieces(dataset: h5py.Dataset) -> Iterator[bytes]:
    for start in range(0, len(dataset), PIECE):
        yield dataset[start : start + PIECE].tobytes()


def _check_name(name: str, where: str) -> None:
    parts = name.split("/")
    if "\0" in name or "\\" in name or not all(parts) or {".", ".."} & set(parts):
        raise ArtifactError(f"{where} names {name!r}, which leads out of the artifact: the file is foreign")
    if len(parts) > 16 or max(map(len, parts)) > 200 or not name.isprintable() or is_leftover(parts[-1]):
        raise ArtifactError(f"{where} names {name[:200]!r}, which no stage writes: the file is foreign")
    if parts[0].casefold() in MARKS:  # some file systems ignore case
        raise ArtifactError(f"{where} names {name!r}, which is not part of an artifact: the file is foreign")
