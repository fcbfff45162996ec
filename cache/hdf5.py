"""HDF5 files built in memory and published whole; the same content gives the same bytes.

A file's attributes hold its kind and schema. Datasets carry HDF5's own checksum (Fletcher-32).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from ezsd.cache.atomic import json_bytes, parse_json, write_bytes_atomic
from ezsd.cache.checked import require_intact
from ezsd.cache.errors import ArtifactError

SCHEMA = 1


class Hdf5Writer:
    """Collects datasets and attributes; `publish` writes them to a path."""

    def __init__(self, kind: str) -> None:
        self._file = h5py.File(kind, "w", driver="core", backing_store=False)
        self._file.attrs["kind"] = kind
        self._file.attrs["schema"] = SCHEMA

    def put(self, name: str, array: np.ndarray) -> None:
        """Add a dataset under `group/name`. Raises ArtifactError if the name is taken."""
        if name in self._file:
            raise ArtifactError(f"two datasets are named {name!r}; names must differ")
        checked = array.size > 0 and array.ndim > 0
        self._file.create_dataset(name, data=array, track_times=False, fletcher32=True if checked else None)

    def put_texts(self, name: str, texts: Sequence[str]) -> None:
        """Add strings as fixed-length UTF-8. Raises ArtifactError for invalid Unicode and zero bytes."""
        try:
            encoded = [text.encode() for text in texts]
        except UnicodeEncodeError as error:
            raise ArtifactError(f"{name}: {error.object!r} is not valid Unicode; rename it") from error
        if any(b"\0" in text for text in encoded):
            raise ArtifactError(f"{name}: a name holds a zero byte; rename it")
        length = max([1, *map(len, encoded)])
        self.put(name, np.array(encoded, dtype=h5py.string_dtype("utf-8", length)))

    def put_json(self, name: str, value: object) -> None:
        """Add plain values as canonical JSON text."""
        self.put(name, np.frombuffer(json_bytes(value), np.uint8))

    def publish(self, path: Path) -> None:
        """Write the file whole. Raises ArtifactError when the disk is full or refuses."""
        self._file.flush()
        image = self._file.id.get_file_image()
        self._file.close()
        write_bytes_atomic(path, image)


class Hdf5Reader:
    """Reads what `Hdf5Writer` wrote; made by `open_hdf5`."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def get(self, name: str) -> np.ndarray:
        """Return a whole dataset. Raises KeyError, and ValueError if the file does not hold all of it."""
        dataset = stored_dataset(self._file, name)
        if dataset.id.get_storage_size() < dataset.nbytes:  # never written parts would take memory
            raise ValueError(f"{name} is larger than what the file holds of it")
        return np.asarray(dataset[()])  # a scalar of text or opaque bytes is no array

    def get_texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        return [text.decode() for text in self.get(name).tolist()]

    def get_json(self, name: str) -> Any:
        """Return plain values."""
        return parse_json(self.get(name).tobytes())

    def names(self, group: str) -> list[str]:
        """Return the names in a group, sorted; empty if there is no such group."""
        return sorted(self._file[group]) if group in self._file else []


@contextmanager
def open_hdf5(path: Path, kind: str) -> Iterator[Hdf5Reader]:
    """Open a file of this kind to read.

    Raises:
        ArtifactError: the file is missing, truncated, damaged or of another kind or schema, or lacks a
            dataset; also while the block reads it.
    """
    if not path.is_file():
        raise ArtifactError(f"{path} is missing; run the stage that writes it")
    require_intact(path.parent, path.name, "delete it and run the stage that writes it")
    try:
        with h5py.File(path, "r") as file:
            _check_kind(path, file.attrs, kind)
            yield Hdf5Reader(file)
    except ArtifactError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise ArtifactError(
            f"{path} is truncated or damaged; delete it and run the stage that writes it"
        ) from error


def stored_dataset(file: h5py.Group, name: str) -> h5py.Dataset:
    """Return a dataset of this very file: links and external storage could be any file of the machine.

    Raises:
        KeyError: it is not there, or only a link is.
    """
    node: h5py.Group | h5py.Dataset = file
    for part in PurePosixPath(name).parts:
        if not isinstance(node, h5py.Group) or not isinstance(node.get(part, getlink=True), h5py.HardLink):
            raise KeyError(name)
        node = node[part]
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise KeyError(name)
    return node


class FileSink(FileIO):
    """The file that HDF5 writes to; it holds back an error until HDF5 has closed.

    HDF5 ends the whole process when it cannot write while it closes, as on a full disk.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write everything, or nothing after an error."""
        left = memoryview(data)
        while len(left) and self.error is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self.error = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Set the length, which may need space too."""
        try:
            return super().truncate(size) if self.error is None else size or 0
        except OSError as error:
            self.error = error
            return size or 0

    def flush(self) -> None:
        """Nothing is buffered."""

    def require_written(self) -> None:
        """Raise the first OSError, if any."""
        if self.error is not None:
            raise self.error


def _check_kind(path: Path, attributes: Mapping[str, Any], kind: str) -> None:
    found, schema = attributes.get("kind"), attributes.get("schema")
    if found != kind:
        raise ArtifactError(f"{path} is not a {kind} but {found or 'a foreign file'}; give the right file")
    if schema != SCHEMA:
        raise ArtifactError(
            f"{path} was made by another version (schema {schema}, not {SCHEMA}); make it again"
        )
