"""The work of `evaluate.probing`: classifiers of novel names from the cached embeddings."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import Embedded, Renormed, Rows, decode_embeddings
from ezsd.cache.errors import ArtifactError
from ezsd.evaluation.config import ProbingConfig
from ezsd.evaluation.probing import best_of_each_name, probe_novel_names
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.stage import StageContext


def probe_names(context: StageContext, config: ProbingConfig) -> Tensor:
    """Weights of a classifier of all names, float32 `(C, D)`, from the artifacts of a run.

    Of novel objects it reads what mining found, and no annotation. No photo is decoded.
    """
    prepared, embedded = Prepared(context.parent("prepare")), Embedded(context.parent("embed"))
    record, split = Renormed(context.parent("renorm")).read(), prepared.split
    if record.names != split.names:
        raise ArtifactError("renorm.h5 was made for other names than the split's: run `ezsd-cli precompute`")
    text = torch.from_numpy(record.text_embeddings_renormalized)
    chosen = _choose_boxes(embedded, prepared, config, text.shape[1])
    scale = float(record.teacher["logit_scale"])
    return probe_novel_names(text, len(split.base), chosen.embeddings, chosen.labels, scale, config)


class _Boxes(NamedTuple):
    """Boxes with names: labels (N,) int64, ranks (N,) to choose by, embeddings (N, D)."""

    labels: Tensor
    ranks: Tensor
    embeddings: Tensor

    def with_best_of(self, more: "_Boxes", most: int) -> "_Boxes":
        """The boxes of both that rank highest in each name."""
        labels, ranks, embeddings = (torch.cat(pair) for pair in zip(self, more, strict=True))
        rows = best_of_each_name(labels, ranks, most)
        return _Boxes(labels[rows], ranks[rows], embeddings[rows])


def _choose_boxes(embedded: Embedded, prepared: Prepared, config: ProbingConfig, dim: int) -> _Boxes:
    """Read shard by shard, and keep no more than the chosen boxes."""
    objects = proposals = _Boxes(torch.empty(0, dtype=torch.int64), torch.empty(0), torch.empty(0, dim))
    generator = torch.Generator().manual_seed(config.seed)
    for shard in range(embedded.store.shards):
        rows = embedded.store.read_shard(shard)
        labels = [prepared.train.objects_of(row).labels for row in embedded.store.shard_range(shard)]
        drawn = _objects(rows, np.concatenate(labels), generator)
        objects = objects.with_best_of(drawn, config.boxes_per_name)
        proposals = proposals.with_best_of(
            _novel_proposals(rows, len(prepared.split.base)), config.boxes_per_name
        )
    return _Boxes(*map(torch.cat, zip(objects, proposals, strict=True)))


def _objects(rows: Rows, labels: np.ndarray, generator: torch.Generator) -> _Boxes:
    """The ground truth of a shard, in random order."""
    there = _filled(rows["gt_embeddings"], rows["gt_count"])
    embeddings = decode_embeddings("gt_embeddings", rows)[there]
    if len(labels) != len(embeddings):
        raise ArtifactError("the store of embeddings is of other boxes: run `ezsd-cli precompute`")
    ranks = torch.rand(len(labels), generator=generator)
    return _Boxes(torch.from_numpy(labels.astype(np.int64)), ranks, torch.from_numpy(embeddings))


def _novel_proposals(rows: Rows, base_count: int) -> _Boxes:
    """The proposals of a shard that mining gave a novel name, with their confidence."""
    chosen = _filled(rows["embeddings"], rows["count"]) & (rows["labels"] >= base_count)
    return _Boxes(
        torch.from_numpy(rows["labels"][chosen].astype(np.int64)),
        torch.from_numpy(rows["confidence"][chosen]),
        torch.from_numpy(decode_embeddings("embeddings", rows)[chosen]),
    )


def _filled(padded: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of the places (n, K) of padded rows (n, K, ...) are used."""
    return np.arange(padded.shape[1]) < counts[:, None]
