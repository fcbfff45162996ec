"""Images per second and KB per image of our cache and four others, with 200 embeddings of 512 dimensions.

Files are in the page cache, as after the first epoch of a data set that fits in memory. Only ours flushes
each shard to disk, compares checksums, and survives a kill while it is written.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.cache_formats import FORMATS, OURS, Format, Read
from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.timing import seconds_of, take_turns
from ezsd.cache.quantize import dequantize_rows, quantize_rows

SEED = 0
IMAGES = 256
TEXT_IMAGES = 24
"""Fewer images for JSON, since it is slow."""
BOXES, DIM = 200, 512
ROUNDS = 3

Rates = dict[str, float]


def main() -> None:
    """Write and read the same embeddings in every format and record the result."""
    embeddings = draw_embeddings(IMAGES)
    with TemporaryDirectory() as parent:
        folders = {name: Path(parent, name) for name in FORMATS}
        write = {name: _write(FORMATS[name], folders[name], _share(name, embeddings)) for name in FORMATS}
        sizes = {name: _kilobytes(folders[name], len(_share(name, embeddings))) for name in FORMATS}
        rows = {name: _order(len(_share(name, embeddings))) for name in FORMATS}
        random = _read_rates({name: one.read for name, one in FORMATS.items()}, folders, rows)
        shuffled = _read_rates(
            {name: one.shuffle or one.read for name, one in FORMATS.items()}, folders, rows
        )
    measurements = [
        ratio("cache.bytes_vs_json", sizes[OURS] / sizes["json"], Target("<=", 0.11)),
        ratio("cache.shuffled_read_vs_json", shuffled[OURS] / shuffled["json"], Target(">=", 50)),
        ratio("cache.shuffled_read_vs_memmap", shuffled[OURS] / shuffled["memmap"], Target(">=", 0.25)),
        Measurement("cache.int8_cosine", int8_cosine(embeddings[:64]), "mean cosine"),
        *_against_ours("kb_an_image", "KB", sizes),
        *_against_ours("write", "images/s", write),
        *_against_ours("random_read", "images/s", random),
        *_against_ours("shuffled_read", "images/s", shuffled),
    ]
    settings = {"images": IMAGES, "images_as_json": TEXT_IMAGES, "boxes": BOXES, "dimensions": DIM}
    write_result(Result("cache", SEED, measurements, settings))


def draw_embeddings(images: int) -> np.ndarray:
    """Draw unit vectors in random directions, float16 `(images, BOXES, DIM)`."""
    drawn = np.random.default_rng(SEED).standard_normal((images, BOXES, DIM), np.float32)
    return (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float16)


def int8_cosine(embeddings: np.ndarray) -> float:
    """Return the mean cosine between embeddings `(..., D)` and their int8 version."""
    exact = embeddings.astype(np.float32)
    restored = dequantize_rows(*quantize_rows(exact))
    norms = np.linalg.norm(exact, axis=-1) * np.linalg.norm(restored, axis=-1)
    return float(((exact * restored).sum(axis=-1) / norms).mean())


def _share(name: str, embeddings: np.ndarray) -> np.ndarray:
    return embeddings[:TEXT_IMAGES] if name == "json" else embeddings


def _order(images: int) -> list[int]:
    return np.random.default_rng(SEED).permutation(images).tolist()


def _write(form: Format, folder: Path, embeddings: np.ndarray) -> float:
    folder.mkdir()
    return len(embeddings) / seconds_of(lambda: form.write(folder, embeddings))


def _kilobytes(folder: Path, images: int) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / images / 1000


def _read_rates(reads: dict[str, Read], folders: dict[str, Path], rows: dict[str, list[int]]) -> Rates:
    works = {name: lambda name=name: _exhaust(reads[name](folders[name], rows[name])) for name in reads}
    return {name: len(rows[name]) / seconds for name, seconds in take_turns(works, ROUNDS).items()}


def _exhaust(found: Iterator[np.ndarray]) -> None:
    for one in found:
        assert one.shape == (BOXES, DIM) and one.dtype == np.float16


def _against_ours(what: str, unit: str, values: Rates) -> Sequence[Measurement]:
    """Measure ours with each of the others as baseline."""
    return [
        Measurement(f"cache.{what}.vs_{name}", values[OURS], unit, value)
        for name, value in values.items()
        if name != OURS
    ]


if __name__ == "__main__":
    main()
