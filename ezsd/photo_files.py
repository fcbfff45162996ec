"""Photos in files, folders, globs and videos: found first, then read one after the other."""

import glob
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ezsd.errors import InputError
from ezsd.photos import SUFFIXES, VIDEO_FORMATS, is_video, read_photo


@dataclass(frozen=True)
class PhotoFile:
    """A photo or a video.

    Attributes:
        path: of the file.
        name: its path below the folder that all files given together have in common, with `/`.
    """

    path: Path
    name: str


@dataclass(frozen=True)
class NamedPhoto:
    """A photo, or a frame of a video.

    Attributes:
        path: of its file.
        name: of its file; of a frame, the name that it has as a picture: `clip_000030.png`.
        frame: its number in the video, from 0; None for a photo.
        pixels: uint8 RGB `(3, H, W)`.
    """

    path: Path
    name: str
    frame: int | None
    pixels: Tensor


def find_files(sources: Sequence[str | Path]) -> list[PhotoFile]:
    """Photos and videos, in the order given; those of a folder or glob in the order of their paths.

    Args:
        sources: files, folders (without the folders in them) and globs such as `photos/**/*.jpg`. A file
            that does not exist is among the results, and cannot be read later.

    Raises:
        InputError: a folder holds no photo or video, or a glob matches none.
    """
    roots, paths = [], []
    for source in map(str, sources):
        root, found = _expand(source)
        roots.append(root)
        paths += found
    common = os.path.commonpath([os.path.abspath(root) for root in roots]) if roots else ""
    unique = dict.fromkeys(paths)
    return [PhotoFile(path, Path(os.path.relpath(path, common)).as_posix()) for path in unique]


def count_photos(files: Iterable[PhotoFile], every: int) -> int:
    """How many photos and frames `read_files` will give, as far as the headers of the files tell."""
    return sum(_count_frames(file.path, every) if is_video(file.path) else 1 for file in files)


def names_several(source: str | Path) -> bool:
    """Whether it is a folder, a video or a glob."""
    path = Path(source)
    return path.is_dir() or is_video(path) or (glob.has_magic(str(source)) and not path.exists())


def read_files(
    files: Iterable[PhotoFile], every: int, threads: int, skip: Callable[[InputError], None]
) -> Iterator[NamedPhoto]:
    """Read photos, and frames of videos, in order; memory does not grow with their number.

    Args:
        files: from `find_files`.
        every: of a video, each frame whose number it divides.
        threads: number of photos that are decoded ahead, at the same time.
        skip: called with the error of a file that cannot be read; what it raises ends the reading.
    """
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Iterator[NamedPhoto]] = deque()
        for file in files:
            ahead.append(_video(file, every) if is_video(file.path) else _photo(file, pool))
            if len(ahead) > threads:
                yield from _readable(ahead.popleft(), skip)
        for last in ahead:
            yield from _readable(last, skip)


def _readable(photos: Iterator[NamedPhoto], skip: Callable[[InputError], None]) -> Iterator[NamedPhoto]:
    try:
        yield from photos
    except InputError as error:
        skip(error)


def _photo(file: PhotoFile, pool: Executor) -> Iterator[NamedPhoto]:
    """One photo, which begins to be decoded now."""
    decoding = pool.submit(read_photo, file.path)
    return (NamedPhoto(file.path, file.name, None, done.result()) for done in [decoding])


def _count_frames(path: Path, every: int) -> int:
    try:
        with _opened(path) as container:
            return max(1, math.ceil(container.streams.video[0].frames / every))
    except InputError:
        return 1  # `read_files` reports it


def _video(file: PhotoFile, every: int) -> Iterator[NamedPhoto]:
    stem = file.name.removesuffix(file.path.suffix)
    with _opened(file.path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every == 0:
                yield NamedPhoto(file.path, f"{stem}_{number:06d}.png", number, _upright(frame))


def _expand(source: str) -> tuple[str, list[Path]]:
    """The folder that names start from, and the files."""
    if os.path.isdir(source):
        paths = sorted(path for path in Path(source).iterdir() if _is_known(path))
        if not paths:
            suffixes = ", ".join(sorted(SUFFIXES | VIDEO_FORMATS.keys()))
            raise InputError(
                f"folder {source} holds no photo: one ends in {suffixes}; for those in its folders give "
                f"'{source.rstrip('/')}/**/*'"
            )
        return source, paths
    if os.path.lexists(source) or not glob.has_magic(source):
        return os.path.dirname(source), [Path(source)]
    matched = sorted(map(Path, glob.glob(source, recursive=True)))
    paths = [path for path in matched if _is_known(path) and path.is_file()]
    if not paths:
        raise InputError(f"no photo or video matches {source!r}: correct the pattern")
    fixed = source.split("/")[: next(i for i, part in enumerate(source.split("/")) if glob.has_magic(part))]
    return "/".join(fixed) or ("/" if source.startswith("/") else ""), paths


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or is_video(path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The video's container, of the kind that its suffix says."""
    try:
        import av
    except ModuleNotFoundError:
        raise InputError(
            f"{path} is a video, which needs the package av: install it with `pip install 'ezsd[video]'`"
        ) from None
    try:
        with path.open("rb") as file, av.open(file, format=VIDEO_FORMATS[path.suffix.lower()]) as container:
            if not container.streams.video:
                raise InputError(f"{path} has no pictures: give a video")
            yield container
    except (OSError, av.FFmpegError) as error:
        reason = error.strerror or "it is damaged"
        raise InputError(f"video {path} cannot be read ({reason}): correct its path or replace it") from None


def _upright(frame: Any) -> Tensor:
    """Pixels as they are shown: cameras store how to turn them."""
    pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
    return torch.rot90(pixels, round(frame.rotation / 90) % 4, (1, 2)).contiguous()
