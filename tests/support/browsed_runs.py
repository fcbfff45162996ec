"""A browser of proposals made by hand: small photos, four names of which one is hostile, no teacher.

Photo p of 30 has the id 100 + p and 1 + p % 3 proposals. The one of rank r (from 0) scores
1.3 - 0.01 p - 0.3 r and has the name of `label_of`; its embedding is that name's, turned a little by p.
"""

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ezsd.cache.artifacts import Embedded, Mined, Rows
from ezsd.cache.index import BoxTable, DatasetIndex, PhotoTable
from ezsd.cache.layout import ArraySpec
from ezsd.cache.sharded import ShardedStore
from ezsd.mining.score import CERTAINTY
from ezsd.pipeline.data.prepared import write_prepared
from ezsd.pipeline.data.sources import PhotoFolder
from ezsd.split import Split
from ezsd.stages.pages.proposals.browser import mining_names, write_page
from ezsd.stages.pages.proposals.map import map_entry
from ezsd.stages.pages.proposals.neighbours import EmbeddingDetails, gather_pool
from ezsd.stages.pages.proposals.page import BrowserFolder, CropView, Facts, script
from ezsd.stages.pages.proposals.shards import WriteShards

HOSTILE = "<script>document.title='broken'</script>"
NAMES = ("red", "green", HOSTILE, "violet")
SPLIT = Split("own", base=NAMES[:2], novel=NAMES[2:])
PHOTOS, KEEP, PROPOSALS = 30, 4, 60
WIDTH, HEIGHT, CROP = 48, 32, 16
VIEWS = [CropView(1.0, "scored"), CropView(1.2, "named, embedded")]
LOGIT_SCALE = 5.0


def count_of(photo: int) -> int:
    return 1 + photo % 3


def label_of(photo: int, rank: int) -> int:
    return 2 + (photo + rank) % 2


def score_of(photo: int, rank: int) -> float:
    return round(1.3 - 0.01 * photo - 0.3 * rank, 4)


def embedding_of(photo: int, rank: int) -> np.ndarray:
    """Nearly the name's own axis; the further photos are apart, the less alike."""
    angle = 0.02 * photo
    axis = np.zeros(4)
    axis[label_of(photo, rank)], axis[0] = np.cos(angle), np.sin(angle)
    return axis


def make_stores(root: Path) -> None:
    """Photos, and what `prepare`, `mine` and `embed` leave."""
    (root / "photos").mkdir(parents=True)
    for photo in range(PHOTOS):
        Image.new("RGB", (WIDTH, HEIGHT), (8 * photo, 120, 255 - 8 * photo)).save(
            root / f"photos/{photo}.png"
        )
    table = PhotoTable(
        image_ids=np.arange(PHOTOS, dtype=np.int64) + 100,
        file_names=[f"{photo}.png" for photo in range(PHOTOS)],
        sizes_wh=np.tile(np.array([[WIDTH, HEIGHT]], np.int32), (PHOTOS, 1)),
        digests=np.zeros((PHOTOS, 16), np.uint8),
    )
    index = DatasetIndex(table, BoxTable.empty(PHOTOS))
    write_prepared(root / "prepare", SPLIT, index, index, ())
    mined = _mined_rows()
    _store(Mined(root / "mine").location, mined)
    embeddings = np.zeros((PHOTOS, KEEP, 4), np.float16)
    for photo in range(PHOTOS):
        for rank in range(count_of(photo)):
            embeddings[photo, rank] = embedding_of(photo, rank)
    _store(Embedded(root / "embed").location, {**mined, "embeddings": embeddings})


def browse_by_hand(root: Path, out: Path, embedded: bool = True, best: int = KEEP) -> BrowserFolder:
    """Writes the browser of `make_stores` into `out`."""
    folder, rows = BrowserFolder(out, PHOTOS), np.arange(PHOTOS)
    counts = np.minimum([count_of(photo) for photo in range(PHOTOS)], best)
    embed = Embedded(root / "embed")
    details = EmbeddingDetails(
        embed.folder, np.eye(4, dtype=np.float32), LOGIT_SCALE, gather_pool(embed, rows, counts)
    )
    task = WriteShards(
        folder=folder,
        prepared=root / "prepare",
        photos=PhotoFolder(root / "photos"),
        mined=root / "mine",
        rows=rows,
        best=best,
        views=VIEWS,
        image_size=CROP,
        details=details if embedded else None,
    )
    for shard in range(folder.shards):
        task(shard)
    if embedded:
        folder.map.write_bytes(script("map", map_entry(details.pool)))
    write_page(folder, facts(embedded), mining_names(Mined(root / "mine"), SPLIT), VIEWS, CROP)
    return folder


def facts(embedded: bool = True) -> Facts:
    """What the page of `browse_by_hand` says of the whole."""
    return Facts(
        protocol="names known",
        score=CERTAINTY,
        split=SPLIT.name,
        photos=PHOTOS,
        proposals=PROPOSALS,
        all_photos=PHOTOS,
        all_proposals=PROPOSALS,
        with_proposals=PHOTOS,
        best=KEEP,
        pool=PROPOSALS,
        embedded=embedded,
        fingerprint="ab12cd34ef56" * 5 + "0000",
    )


def _mined_rows() -> Rows:
    rows = {
        "image_ids": np.arange(PHOTOS, dtype=np.int64) + 100,
        "count": np.array([count_of(photo) for photo in range(PHOTOS)], np.int32),
        "boxes_xyxy": np.zeros((PHOTOS, KEEP, 4), np.float32),
        "scores": np.zeros((PHOTOS, KEEP), np.float32),
        "labels": np.full((PHOTOS, KEEP), -1, np.int32),
        "confidence": np.zeros((PHOTOS, KEEP), np.float32),
    }
    for photo in range(PHOTOS):
        for rank in range(count_of(photo)):
            rows["boxes_xyxy"][photo, rank] = (4 + rank, 5, 24 + rank, 15)
            rows["scores"][photo, rank] = score_of(photo, rank)
            rows["labels"][photo, rank] = label_of(photo, rank)
            rows["confidence"][photo, rank] = 0.75
    return rows


def _store(location: Path, rows: Rows) -> None:
    specs = {name: ArraySpec(array.shape[1:], array.dtype.name) for name, array in rows.items()}
    attributes = {"names": NAMES, "base_count": 2, "protocol": "names known"}
    store = ShardedStore.create(location, specs, PHOTOS, 8, attributes)
    for shard in range(store.shards):
        here = store.shard_range(shard)
        store.write_shard(shard, {name: array[here.start : here.stop] for name, array in rows.items()})
    store.finish()


def value_of(path: Path) -> object:
    """What a data script hands to the page."""
    arguments = re.fullmatch(r"put\((.*)\);\n", path.read_text())[1]
    key, value = json.loads(f"[{arguments}]")
    assert key == path.stem
    return value
