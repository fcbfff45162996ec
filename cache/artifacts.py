"""Artifacts of the teacher's stages: where each file is, and what its arrays mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import TypeAdapter

from ezsd.cache.checked import require_intact
from ezsd.cache.contents import store_location
from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import DatasetIndex
from ezsd.cache.layout import ArraySpec
from ezsd.cache.objects import Location
from ezsd.cache.quantize import dequantize_rows, quantize_rows
from ezsd.cache.renorm_file import RenormRecord, read_renorm
from ezsd.cache.sharded import ShardedStore

Rows = dict[str, np.ndarray]
T = TypeVar("T")


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
        """Read the record of re-normalization, with the text embeddings of all names.

        Raises:
            ArtifactError: the record is missing or damaged.
        """
        return read_renorm(self.record)


@dataclass(frozen=True)
class StoreFolder:
    """The folder of an artifact whose rows are in a sharded store, in the folder or at a URL."""

    STAGE: ClassVar[str]
    STORE: ClassVar[str]

    folder: Path

    def __reduce__(self) -> tuple[type["StoreFolder"], tuple[Path]]:
        """Pickle the folder alone; a worker opens the store itself."""
        return type(self), (self.folder,)

    @property
    def location(self) -> Location:
        """Where the store is: in the folder, or at a URL."""
        return store_location(self.folder, self.STORE)

    @cached_property
    def store(self) -> ShardedStore:
        """The open store.

        Raises:
            ArtifactError: there is no store.
        """
        fix = f"run: ezsd-cli precompute --only {self.STAGE}"
        require_intact(self.folder, f"{self.STORE}/zarr.json", fix)
        return ShardedStore.open(self.location, fix)

    @property
    def protocol(self) -> str:
        """`names known` or `strict`."""
        return self.attribute("protocol", TypeAdapter(str))

    def attribute(self, name: str, form: TypeAdapter[T]) -> T:
        """An attribute of the store. Raises ArtifactError if it is missing or of another form."""
        try:
            return form.validate_python(self.store.attributes.get(name), strict=True)
        except ValueError as error:
            raise ArtifactError(
                f"{name} of {self.folder / self.STORE} is not what the stage writes; "
                f"run: ezsd-cli precompute --only {self.STAGE} --force"
            ) from error


@dataclass(frozen=True)
class Mined(StoreFolder):
    """The folder `artifacts/mine`; row i of its store belongs to row i of the training index.

    Arrays: `boxes_xyxy` (K, 4) f4 in absolute pixels, `scores` (K,) f4, `labels` (K,) i4 into `names`,
    `confidence` (K,) f4; only the first `count` of the K rows are proposals, best first. Also `image_ids`
    i8, and `anchors` and `forwards` i4: numbers of anchors and of crops encoded by the teacher.
    """

    STAGE = "mine"
    STORE = "proposals.zarr"

    def create(self, photos: int, photos_per_shard: int, keep: int, attributes: Mapping[str, Any]) -> None:
        """Create the store, or resume it.

        Args:
            photos: number of photos; one row each.
            photos_per_shard: rows per shard.
            keep: maximum number of proposals per photo.
            attributes: `names`, `base_count`, `protocol`, `score`, `scored_context_factor`.

        Raises:
            ArtifactError: the store exists with another layout or other attributes.
        """
        ShardedStore.create(self.location, mined_arrays(keep), photos, photos_per_shard, attributes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that competed for a crop; base names first."""
        return tuple(self.attribute("names", TypeAdapter(list[str])))

    @property
    def base_count(self) -> int:
        """How many of the names are base names."""
        return self.attribute("base_count", TypeAdapter(int))

    @property
    def score(self) -> str:
        """What the scores are: `CERTAINTY` or `OBJECTNESS` of `ezsd.mining.score`."""
        return self.attribute("score", TypeAdapter(str))

    @property
    def scored_context_factor(self) -> float | None:
        """Sides of the crop that was scored / sides of the box; None when the score is of no crop."""
        form: TypeAdapter[float | None] = TypeAdapter(float | None)
        return self.attribute("scored_context_factor", form)

    def boxes_by_photo(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield image id and proposals, float32 (count, 4) xyxy, of each training photo in index order."""
        for shard in range(self.store.shards):
            rows = self.store.read_shard(shard, ["image_ids", "count", "boxes_xyxy"])
            for image_id, count, boxes_xyxy in zip(
                rows["image_ids"].tolist(), rows["count"].tolist(), rows["boxes_xyxy"], strict=True
            ):
                yield image_id, boxes_xyxy[:count]


@dataclass(frozen=True)
class Embedded(StoreFolder):
    """The folder `artifacts/embed`; row i of its store belongs to row i of the training index.

    Arrays: `gt_boxes_xyxy` (G, 4), `gt_count`; `boxes_xyxy` (K, 4), `scores`, `labels`, `confidence`, `count`
    as mined; `image_ids`; and `gt_embeddings` (G, D) and `embeddings` (K, D), L2-normalised, then
    stored as f2, or as i1 with one f4 scale per row (`gt_embeddings_scales`, `embeddings_scales`).
    """

    STAGE = "embed"
    STORE = "embeddings.zarr"

    def create(self, mined: Mined, objects: int, dim: int, dtype: str, crops: str) -> None:
        """Create the store, or resume it, with the rows and shards of `mined`.

        Args:
            mined: the proposals to embed.
            objects: maximum number of base boxes per photo.
            dim: embedding dimension.
            dtype: `float16` or `int8`.
            crops: which crops of a box were embedded; kept as an attribute.

        Raises:
            ArtifactError: the store exists with another layout or other attributes.
        """
        attributes = {"protocol": mined.protocol, "names": mined.names, "crops": crops}
        arrays = embedded_arrays(mined.store, objects, dim, dtype)
        layout = mined.store.layout
        ShardedStore.create(self.location, arrays, layout.rows, layout.shard_rows, attributes)


MINED_ARRAYS = ("boxes_xyxy", "scores", "labels", "confidence", "count", "image_ids")
"""Arrays that `embed` copies from the proposals, so that training reads one store."""


def mined_arrays(keep: int) -> dict[str, ArraySpec]:
    """The arrays of `proposals.zarr`, with at most `keep` proposals per photo."""
    return {
        "boxes_xyxy": ArraySpec((keep, 4), "float32"),
        "scores": ArraySpec((keep,), "float32"),
        "labels": ArraySpec((keep,), "int32", fill=-1),
        "confidence": ArraySpec((keep,), "float32"),
        "count": ArraySpec((), "int32"),
        "anchors": ArraySpec((), "int32"),
        "forwards": ArraySpec((), "int32"),
        "image_ids": ArraySpec((), "int64"),
    }


def embedded_arrays(mined: ShardedStore, objects: int, dim: int, dtype: str) -> dict[str, ArraySpec]:
    """The arrays of `embeddings.zarr`, with at most `objects` base boxes per photo."""
    keep = mined.spec("boxes_xyxy").shape[0]
    return {
        **{name: mined.spec(name) for name in MINED_ARRAYS},
        **embedding_specs("embeddings", keep, dim, dtype, compressed=False),
        "gt_boxes_xyxy": ArraySpec((objects, 4), "float32"),
        "gt_count": ArraySpec((), "int32"),
        # most photos have far fewer objects than the fullest: their rows are mostly padding
        **embedding_specs("gt_embeddings", objects, dim, dtype, compressed=True),
    }


def padded(values: np.ndarray, spec: ArraySpec) -> np.ndarray:
    """Pad the values (n, ...) to a row of the array with its fill value."""
    row = np.full(spec.shape, spec.fill, spec.dtype)
    row[: len(values)] = values
    return row


def object_rows(index: DatasetIndex, photos: range, objects: int) -> Rows:
    """Return `gt_boxes_xyxy` and `gt_count` of the photos: base boxes without crowd regions."""
    found = [index.objects_of(row).boxes_xyxy for row in photos]
    spec = ArraySpec((objects, 4), "float32")
    return {
        "gt_boxes_xyxy": np.stack([padded(boxes_xyxy, spec) for boxes_xyxy in found]),
        "gt_count": np.array([len(boxes_xyxy) for boxes_xyxy in found], np.int32),
    }


def embedding_specs(name: str, rows: int, dim: int, dtype: str, compressed: bool) -> dict[str, ArraySpec]:
    """The arrays that hold embeddings (rows, dim) under `name`, as `float16` or `int8`."""
    codes = {name: ArraySpec((rows, dim), dtype, compressed=compressed)}
    return codes | ({f"{name}_scales": ArraySpec((rows,), "float32")} if dtype == "int8" else {})


def encode_embeddings(name: str, embeddings: np.ndarray, dtype: str) -> Rows:
    """Encode float32 (..., D) as the arrays of `embedding_specs`."""
    if dtype == "int8":
        codes, scales = quantize_rows(embeddings)
        return {name: codes, f"{name}_scales": scales}
    return {name: embeddings.astype(np.float16)}


def decode_embeddings(name: str, arrays: Rows) -> np.ndarray:
    """Decode to float32 (..., D), whichever dtype was stored: the inverse of `encode_embeddings`."""
    if arrays[name].dtype == np.int8:
        return dequantize_rows(arrays[name], arrays[f"{name}_scales"])
    return arrays[name].astype(np.float32)
