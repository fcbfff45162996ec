"""A folder with hand-made artifacts that `train` can read: six photos, three names, eight dimensions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from support.digests import digests_of
from support.trees import merge

from ezsd.cache.artifacts import Embedded, Renormed
from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable
from ezsd.cache.layout import ArraySpec
from ezsd.cache.pseudo_file import FILE, PseudoTable, write_pseudo
from ezsd.cache.renorm_file import RenormRecord, write_renorm
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.writing import begin, publish
from ezsd.pipeline.data.prepared import write_prepared
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.params import Params, parse_params, plain_values, preset_text
from ezsd.pipeline.stage import StageContext
from ezsd.split import Split

SPLIT = Split("tiny", base=("cat", "dog"), novel=("fox",))
PHOTOS, SIDE, DIM, KEEP, OBJECTS = 6, 64, 8, 4, 2
SMALL: dict[str, Any] = {
    "detector": {
        "pyramid_channels": 8,
        "start": "identity",
        "rpn": {"post_nms_top_n": 20},
        "box_head": {"channels": 8, "width": 8, "rois_per_image": 8},
        "short_side": SIDE,
        "long_side": SIDE,
    },
    "backbone_weights": "random",
    "schedule": {"epochs": 2, "decay_epochs": [1], "images_per_step": 2, "warmup_steps": 1},
    "examples": {"short_sides": [48, SIDE]},
}


@dataclass(frozen=True)
class Workplace:
    """A folder with the artifacts that `train` reads."""

    root: Path
    params: Params

    def context(self, folder: str = "train", **changes: Any) -> StageContext:
        """`changes`: of the section `train`, in as many levels as it has."""
        params = parse_params(yaml.safe_dump(merge(plain_values(self.params), {"train": changes})))
        out = self.root / "artifacts" / folder
        out.mkdir(parents=True, exist_ok=True)
        return StageContext(params, self.root, out)

    def run(self, folder: str = "train", **changes: Any) -> dict[str, bytes]:
        context = self.context(folder, **changes)
        STAGES["train"].run(context)
        return {path.name: path.read_bytes() for path in context.folder.iterdir()}


def make_params() -> Params:
    tree = yaml.safe_load(preset_text("demo"))
    tree["data"] = {"format": "coco", "split": {"base": SPLIT.base, "novel": SPLIT.novel}} | {
        f"{which}_{what}": what for which in ("train", "val") for what in ("photos", "annotations")
    }
    merge(tree["train"], SMALL)
    tree["prepare"] |= {"masks": True}  # what is prepared is made by hand, with or without them
    tree["run"] |= {"device": "cpu"}
    return parse_params(yaml.safe_dump(tree))


def boxes_in_photo(generator: np.random.Generator, count: int) -> np.ndarray:
    corners = generator.uniform(0, SIDE / 2, (count, 2))
    sides = generator.uniform(8, SIDE / 2, (count, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def make_prepared(root: Path, folder: Path, object_counts: Sequence[int]) -> None:
    generator = np.random.default_rng(0)
    total = sum(object_counts)
    photos = PhotoTable(
        np.arange(PHOTOS, dtype=np.int64) + 100,
        [f"{row}.png" for row in range(PHOTOS)],
        np.full((PHOTOS, 2), SIDE, np.int32),
        digests_of(root / "photos" / f"{row}.png" for row in range(PHOTOS)),
    )
    boxes = BoxTable(
        np.concatenate([[0], np.cumsum(object_counts)]).astype(np.int64),
        boxes_in_photo(generator, total),
        (np.arange(total) % 2).astype(np.int32),
        np.arange(total, dtype=np.int64),
        np.ones(total, np.float32),
        np.zeros(total, bool),
    )
    val = DatasetIndex(replace(photos), BoxTable.empty(PHOTOS))
    write_prepared(folder, SPLIT, DatasetIndex(photos, boxes), val, [])


def make_renormed(folder: Path) -> None:
    text = np.eye(len(SPLIT.names), DIM, dtype=np.float32)
    mean, covariance = np.zeros(DIM, np.float32), np.zeros((DIM, DIM), np.float32)
    record = RenormRecord(
        layers=(),
        feature_mean_before=mean,
        feature_mean_after=mean,
        feature_covariance_before=covariance,
        feature_covariance_after=covariance,
        names=SPLIT.names,
        text_embeddings_raw=text,
        text_embeddings_renormalized=text,
        base_accuracy=np.zeros(1, np.float32),
        teacher={"model": "tiny", "templates": ["a photo of a {}"], "text_names": {}, "logit_scale": 30.0},
        protocol="names known",
    )
    write_renorm(Renormed(folder).record, record)


def make_embedded(
    folder: Path, object_counts: Sequence[int], proposals: Sequence[int], first_id: int = 100
) -> None:
    generator = np.random.default_rng(1)
    arrays = {
        "image_ids": ArraySpec((), "int64"),
        "count": ArraySpec((), "int32"),
        "boxes_xyxy": ArraySpec((KEEP, 4), "float32"),
        "labels": ArraySpec((KEEP,), "int32"),
        "confidence": ArraySpec((KEEP,), "float32"),
        "embeddings": ArraySpec((KEEP, DIM), "float16"),
        "gt_count": ArraySpec((), "int32"),
        "gt_boxes_xyxy": ArraySpec((OBJECTS, 4), "float32"),
        "gt_embeddings": ArraySpec((OBJECTS, DIM), "float16"),
    }
    attributes = {"protocol": "names known", "names": list(SPLIT.names)}
    store = ShardedStore.create(Embedded(folder).location, arrays, PHOTOS, 4, attributes)
    for shard in range(store.shards):
        rows = store.shard_range(shard)
        n = len(rows)
        boxes = [boxes_in_photo(generator, n * k).reshape(n, k, 4) for k in (KEEP, OBJECTS)]
        embeddings = [generator.normal(size=(n, k, DIM)).astype(np.float16) for k in (KEEP, OBJECTS)]
        store.write_shard(
            shard,
            {
                "image_ids": np.array(rows, dtype=np.int64) + first_id,
                "count": np.array([proposals[row] for row in rows], dtype=np.int32),
                "boxes_xyxy": boxes[0],
                "labels": np.full((n, KEEP), 2, np.int32),
                "confidence": generator.uniform(size=(n, KEEP)).astype(np.float32),
                "embeddings": embeddings[0],
                "gt_count": np.array([object_counts[row] for row in rows], dtype=np.int32),
                "gt_boxes_xyxy": boxes[1],
                "gt_embeddings": embeddings[1],
            },
        )
    store.finish()


def make_workplace(root: Path, pseudo: PseudoTable | None = None, **embedded: Any) -> Workplace:
    object_counts, proposals = [2, 0, 1, 2, 2, 1], [4, 3, 0, 4, 4, 1]
    (root / "photos").mkdir()
    pixels = np.random.default_rng(2).integers(0, 256, (PHOTOS, SIDE, SIDE, 3), dtype=np.uint8)
    for row in range(PHOTOS):
        Image.fromarray(pixels[row]).save(root / "photos" / f"{row}.png")
    folders = {name: root / "artifacts" / name for name in ("prepare", "renorm", "embed", "pseudo")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        begin(folder, name, {})
    make_prepared(root, folders["prepare"], object_counts)
    make_renormed(folders["renorm"])
    make_embedded(folders["embed"], object_counts, proposals, **embedded)
    write_pseudo(folders["pseudo"] / FILE, pseudo or PseudoTable.empty(PHOTOS))
    for folder in folders.values():
        publish(folder, {}, {})
    return Workplace(root, make_params())


def make_trained_workplace(root: Path) -> Workplace:
    """With a detector trained for one epoch, as a complete artifact."""
    place = make_workplace(root)
    folder = place.root / "artifacts/train"
    begin(folder, "train", {})
    place.run(schedule={"epochs": 1})
    publish(folder, {}, {})
    return place
