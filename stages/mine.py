"""`mine`: boxes that the re-normalized teacher proposes on the training photos."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ezsd.cache.artifacts import Mined, Rows
from ezsd.cache.layout import ArraySpec
from ezsd.cache.objects import Location
from ezsd.cache.sharded import ShardedStore
from ezsd.mining.names import MiningNames, known_names, strict_names
from ezsd.mining.proposals import Judge, Proposals
from ezsd.pipeline.data.photos import PhotoFolder
from ezsd.pipeline.data.prepared import Prepared
from ezsd.pipeline.data.sources import resolve_sources
from ezsd.pipeline.executor import keep_workers
from ezsd.pipeline.jobs.miners import MinerSource, MiningInputs
from ezsd.pipeline.models.teacher import RenormalizedTeacher, prompts_of, renormalized_teacher
from ezsd.pipeline.params import MineParams
from ezsd.pipeline.stage import StageContext, StageResult
from ezsd.split import Split
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.name_embeddings import embed_names
from ezsd.teacher.prompts import Prompts


@keep_workers()
def run(context: StageContext) -> StageResult:
    """Write `proposals.zarr`, a row for each training photo."""
    params, inputs = context.params, _inputs(context)
    names = _mining_names(params.mine, inputs.prepared.split)
    source: MinerSource = import_module(f"ezsd.pipeline.jobs.mine_{params.mine.method}").prepare_miner(inputs)
    store = _create_store(inputs, names, source)
    task = MineShard(
        source=source,
        teacher=inputs.teacher,
        prompts=prompts_of(params.teacher),
        names=names,
        params=params.mine,
        prepared=inputs.prepared.folder,
        photos=inputs.photos,
        store=Mined(context.folder).location,
    )
    context.map_shards(task, store.shards, store.is_done, lambda n: len(store.shard_range(n)), "photos")
    store.finish()
    facts = {"protocol": names.protocol, "method": params.mine.method, "names": len(names.names)}
    return StageResult(_counts(store), facts)


def _inputs(context: StageContext) -> MiningInputs:
    prepared = Prepared(context.parent("prepare"))
    photos = resolve_sources(context.params.data, context.root, prepared.folder).train.folder()
    return MiningInputs(context, renormalized_teacher(context), prepared, photos)


def _create_store(inputs: MiningInputs, names: MiningNames, source: MinerSource) -> ShardedStore:
    params = inputs.context.params.mine
    attributes = {
        "names": names.names,
        "base_count": names.base_count,
        "protocol": names.protocol,
        "score": source.score,
        "scored_enlarge": source.scored_enlarge,
    }
    return ShardedStore.create(
        Mined(inputs.context.folder).location,
        mined_arrays(params.keep),
        len(inputs.prepared.train),
        params.photos_per_shard,
        attributes,
    )


@dataclass(frozen=True)
class MineShard:
    """Mines the photos of one shard and publishes them; travels to workers, so it holds no model."""

    source: MinerSource
    teacher: RenormalizedTeacher
    prompts: Prompts
    names: MiningNames
    params: MineParams
    prepared: Path
    photos: PhotoFolder
    store: Location

    def __call__(self, shard: int) -> dict[str, float]:
        """Returns how many crops went through the teacher."""
        index, store = Prepared(self.prepared).train, ShardedStore.open(self.store)
        judge = self._judge()
        mine = self.source.load()
        found = []
        for row in store.shard_range(shard):
            width, height = index.photos.sizes_wh[row].tolist()
            photo = self.photos.decode(index.photos.file_names[row], (width, height))
            base_boxes_xyxy = torch.from_numpy(index.boxes_of(row).boxes_xyxy)
            found.append(mine(photo, base_boxes_xyxy, judge, self.params))
        rows = _rows(found, self.params.keep)
        store.write_shard(shard, {**rows, "image_ids": index.photos.image_ids[store.shard_range(shard)]})
        return {"forwards": judge.encoder.forwards}

    @torch.inference_mode()
    def _judge(self) -> Judge:
        teacher = self.teacher.load()
        text = embed_names(teacher, self.names.names, self.prompts).cpu()
        return Judge(BoxEncoder(teacher, self.params.batch), text, self.names.base_count)


def _mining_names(params: MineParams, split: Split) -> MiningNames:
    return known_names(split) if params.names == "known" else strict_names(split, params.extra_names)


def mined_arrays(keep: int) -> dict[str, ArraySpec]:
    """The arrays of `proposals.zarr`, with `keep` proposals a photo at most."""
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


def _rows(found: list[Proposals], keep: int) -> Rows:
    """All arrays of a shard but the ids; what a photo has fewer than `keep` is filled."""
    specs = mined_arrays(keep)
    return {
        **{
            name: np.stack([_padded(getattr(one, name), specs[name]) for one in found])
            for name in ("boxes_xyxy", "scores", "labels", "confidence")
        },
        "count": np.array([len(one) for one in found], np.int32),
        "anchors": np.array([one.anchors for one in found], np.int32),
        "forwards": np.array([one.forwards for one in found], np.int32),
    }


def _padded(values: Tensor, spec: ArraySpec) -> np.ndarray:
    row = np.full(spec.shape, spec.fill, spec.dtype)
    row[: len(values)] = values.numpy()
    return row


def _counts(store: ShardedStore) -> dict[str, int]:
    names = {"count": "proposals", "anchors": "anchors", "forwards": "forwards"}
    totals = dict.fromkeys(names.values(), 0)
    for shard in range(store.shards):
        for name, rows in store.read_shard(shard, names).items():
            totals[names[name]] += int(rows.sum(dtype=np.int64))
    return {"photos": store.rows, **totals}
