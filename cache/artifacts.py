"""What the teacher's stages leave for later ones: where each file lies, and what its arrays mean."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.layout import ArraySpec
from ezsd.cache.location import store_location
from ezsd.cache.objects import Location
from ezsd.cache.quantize import dequantize_rows, quantize_rows
from ezsd.cache.renorm_file import RenormRecord, read_renorm
from ezsd.cache.sharded import ShardedStore

Rows = dict[str, np.ndarray]


@dataclass(frozen=True)
class Renormed:
    """The folder `artifacts/renorm`."""

    folder: Path

    @property
    def norms(self) -> Path:
        """safetensors: the tuned norm layers, by the names of `ezsd.renorm.norm_layers.norm_state`."""
        return self.folder / "norms.safetensors"

    @property
    def record(self) -> Path:
        """`renorm.h5`"""
        return self.folder / "renorm.h5"

    def read(self) -> RenormRecord:
        """What changed, and text embeddings of all names. Raises ArtifactError when missing or damaged."""
        return read_renorm(self.record)


@dataclass(frozen=True)
class Mined:
    """The folder `artifacts/mine`; row i of its store belongs to row i of the training index.

    Arrays: `boxes_xyxy` (K, 4) f4 in absolute pixels, `scores` (K,) f4, `labels` (K,) i4 into `names`,
    `confidence` (K,) f4; only the first `count` of the K rows are proposals, best first. Besides `image_ids`
    i8, and `anchors` and `forwards` i4: the boxes in question and the crops sent through the teacher.
    """

    folder: Path

    @cached_property
    def store(self) -> ShardedStore:
        """Raises ArtifactError when there is none."""
        return ShardedStore.open(self.location, _mend("mine"))

    @property
    def location(self) -> Location:
        """Where the store lies: in the folder, or at a URL."""
        return store_location(self.folder, "proposals.zarr")

    @property
    def names(self) -> tuple[str, ...]:
        """The names that competed for a crop; base names first."""
        return tuple(self.store.attributes["names"])

    @property
    def protocol(self) -> str:
        """`names known` or `strict`."""
        return str(self.store.attributes["protocol"])

    @property
    def score(self) -> str:
        """What the scores are: `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`."""
        return str(self.store.attributes["score"])

    @property
    def scored_enlarge(self) -> float | None:
        """How much wider than the box the crop is that the score comes from; None when it is of no crop."""
        enlarge: float | None = self.store.attributes["scored_enlarge"]
        return enlarge

    def boxes_by_photo(self) -> Iterator[tuple[int, np.ndarray]]:
        """Image id and proposals, float32 (count, 4) xyxy, of each training photo, in order of the index."""
        for shard in range(self.store.shards):
            rows = self.store.read_shard(shard, ["image_ids", "count", "boxes_xyxy"])
            for image_id, count, boxes_xyxy in zip(
                rows["image_ids"].tolist(), rows["count"].tolist(), rows["boxes_xyxy"], strict=True
            ):
                yield image_id, boxes_xyxy[:count]


@dataclass(frozen=True)
class Embedded:
    """The folder `artifacts/embed`; row i of its store belongs to row i of the training index.

    Arrays: `gt_boxes_xyxy` (G, 4), `gt_labels` (G,) i4 into the base names, `gt_count`; `boxes_xyxy` (K, 4),
    `scores`, `labels`, `confidence`, `count` as mined; `image_ids`; and `gt_embeddings` (G, D) and
    `embeddings` (K, D), L2-normalised before they were stored: as f2, or as i1 with one f4 scale a row
    (`gt_embeddings_scales`, `embeddings_scales`).
    """

    folder: Path

    @cached_property
    def store(self) -> ShardedStore:
        """Raises ArtifactError when there is none."""
        return ShardedStore.open(self.location, _mend("embed"))

    @property
    def location(self) -> Location:
        """Where the store lies: in the folder, or at a URL."""
        return store_location(self.folder, "embeddings.zarr")

    @property
    def protocol(self) -> str:
        """`names known` or `strict`."""
        return str(self.store.attributes["protocol"])

    @property
    def text(self) -> Path:
        """safetensors: text embeddings of the base names."""
        return self.folder / "text.safetensors"

    def base_text_embeddings(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The base names and their embeddings, float32 (B, D), L2-normalised, re-normalized text tower."""
        try:
            with safe_open(self.text, framework="numpy") as file:
                return tuple(json.loads(file.metadata()["names"])), file.get_tensor("embeddings")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"{self.text} is missing or damaged; {_mend('embed')}") from error

    def write_base_text_embeddings(self, names: tuple[str, ...], embeddings: np.ndarray) -> None:
        """Writes what `base_text_embeddings` reads."""
        data = save({"embeddings": np.ascontiguousarray(embeddings)}, {"names": json.dumps(names)})
        write_bytes_atomic(self.text, data)


def embedding_specs(name: str, rows: int, dim: int, dtype: str, compressed: bool) -> dict[str, ArraySpec]:
    """The arrays that hold embeddings (rows, dim) under `name`, as `float16` or `int8`."""
    codes = {name: ArraySpec((rows, dim), dtype, compressed=compressed)}
    return codes | ({f"{name}_scales": ArraySpec((rows,), "float32")} if dtype == "int8" else {})


def encode_embeddings(name: str, embeddings: np.ndarray, dtype: str) -> Rows:
    """float32 (..., D) to the arrays of `embedding_specs`."""
    if dtype == "int8":
        codes, scales = quantize_rows(embeddings)
        return {name: codes, f"{name}_scales": scales}
    return {name: embeddings.astype(np.float16)}


def decode_embeddings(name: str, arrays: Rows) -> np.ndarray:
    """The inverse of `encode_embeddings`: float32 (..., D), whichever dtype was stored."""
    if arrays[name].dtype == np.int8:
        return dequantize_rows(arrays[name], arrays[f"{name}_scales"])
    return arrays[name].astype(np.float32)


def _mend(stage: str) -> str:
    return f"run: ezsd-cli precompute --only {stage}"
