"""`inspect proposals --find`: the proposals whose cached embeddings are nearest to some words."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ezsd.cache.artifacts import Embedded, Mined, decode_embeddings
from ezsd.cache.errors import ArtifactError
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.device import one_thread
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.models.teacher import prompts_of, renormalized_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.runner import artifact_folder, require_current
from ezsd.pipeline.stage import StageContext
from ezsd.stages.pages.proposals.browser import mining_names
from ezsd.stages.pages.proposals.page import Name
from ezsd.teacher.name_embeddings import cut_names, embed_names


class Nearest(NamedTuple):
    """The nearest proposals, best first, and how all compare.

    Attributes:
        rows: int64 (N,), of their photos in the training index.
        places: int64 (N,), in their photos.
        cosines: float32 (N,).
        searched: number of all proposals.
        mean: cosine of all; 0 if there are none.
    """

    rows: np.ndarray
    places: np.ndarray
    cosines: np.ndarray
    searched: int
    mean: float


@dataclass(frozen=True)
class FoundBox:
    """A proposal that was found.

    Attributes:
        similarity: cosine of its embedding and the text's.
        image_id: of its photo.
        file_name: of its photo, relative to the folder of the training photos.
        size_wh: of its photo in pixels.
        proposal: its rank in the photo, from 1.
        box_xyxy: in pixels of the photo.
        name: given by mining.
        group: `base`, `novel` or `other`.
    """

    similarity: float
    image_id: int
    file_name: str
    size_wh: tuple[int, int]
    proposal: int
    box_xyxy: tuple[float, float, float, float]
    name: str
    group: str


@dataclass(frozen=True)
class Search:
    """What was searched for, and what was found, best first."""

    words: str
    searched: int
    mean_similarity: float
    found: list[FoundBox]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def find_boxes(params: Params, root: Path, words: str, best: int) -> Search:
    """Find the proposals most like some words; the text is encoded once, as mining encodes a name.

    Raises:
        ArtifactError: embeddings are missing or stale.
        PipelineError: there are no words, or more than the teacher reads.
    """
    try:
        require_current(STAGES, "embed", params, root)
    except ArtifactError as error:
        raise ArtifactError(f"a search needs the embeddings of the proposals: {error}") from None
    words, embedded = " ".join(words.split()), Embedded(artifact_folder(root, "embed"))
    nearest = search_store(embedded, _embed(params, root, words), best)
    found = list(_describe(root, embedded, nearest))
    return Search(words, nearest.searched, round(nearest.mean, 4), found)


def search_store(embedded: Embedded, text: np.ndarray, best: int) -> Nearest:
    """Compare a text with all proposals, a shard at a time; equal cosines keep the order of the data.

    Args:
        embedded: of the proposals.
        text: float32 (D,), L2-normalised.
        best: number of proposals to return at most.
    """
    store = embedded.store
    names = ["count", *({"embeddings", "embeddings_scales"} & store.layout.arrays.keys())]
    rows, places, cosines = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    searched, total = 0, 0.0
    for shard in range(store.shards):
        arrays = store.read_shard(shard, names)
        counts = arrays.pop("count")
        embeddings = decode_embeddings("embeddings", arrays)
        here, place = np.nonzero(np.arange(embeddings.shape[1]) < counts[:, None])
        vectors = embeddings[here, place]
        lengths = np.maximum(np.linalg.norm(vectors, axis=1), np.finfo(np.float32).tiny)
        cosine = (vectors @ text) / lengths
        searched, total = searched + len(cosine), total + float(cosine.sum(dtype=np.float64))
        cosines = np.concatenate([cosines, cosine])
        kept = np.argsort(-cosines, kind="stable")[:best]
        cosines = cosines[kept]
        rows = np.concatenate([rows, store.shard_range(shard).start + here])[kept]
        places = np.concatenate([places, place])[kept]
    return Nearest(rows, places, cosines, searched, total / max(searched, 1))


def _embed(params: Params, root: Path, words: str) -> np.ndarray:
    if not words:
        raise PipelineError("there is nothing to find: give words, such as --find 'red mug'")
    teacher = renormalized_teacher(StageContext(params, root, root)).load()
    prompts = prompts_of(params.teacher)
    if cut_names(teacher, [words], prompts):
        raise PipelineError(f"the teacher does not read all of {words!r}: search for fewer words")
    with one_thread(), torch.inference_mode():
        embedding: np.ndarray = embed_names(teacher, [words], prompts)[0].float().cpu().numpy()
    return embedding


def _describe(root: Path, embedded: Embedded, nearest: Nearest) -> Iterator[FoundBox]:
    prepared, mined = Prepared(artifact_folder(root, "prepare")), Mined(artifact_folder(root, "mine"))
    photos, names = prepared.train.photos, mining_names(mined, prepared.split)
    boxes = embedded.store.read("boxes_xyxy", nearest.rows)
    labels = embedded.store.read("labels", nearest.rows)
    for at, (row, place) in enumerate(zip(nearest.rows.tolist(), nearest.places.tolist(), strict=True)):
        name: Name = names[int(labels[at, place])]
        x0, y0, x1, y1 = (round(float(side), 1) for side in boxes[at, place])
        width, height = photos.sizes_wh[row].tolist()
        yield FoundBox(
            similarity=round(float(nearest.cosines[at]), 4),
            image_id=int(photos.image_ids[row]),
            file_name=photos.file_names[row],
            size_wh=(width, height),
            proposal=place + 1,
            box_xyxy=(x0, y0, x1, y1),
            name=name.name,
            group=name.group,
        )
