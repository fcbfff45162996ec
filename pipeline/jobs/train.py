"""The work of `train`: reads each photo's targets from the cache and trains the detector on them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from ezsd.cache.artifacts import Rows, decode_embeddings
from ezsd.cache.errors import ArtifactError
from ezsd.cache.index import DatasetIndex
from ezsd.cache.masks import MaskTable
from ezsd.cache.pseudo_file import NO_NAME, PseudoTable
from ezsd.cache.sharded import ShardedStore
from ezsd.cache.shuffled import plan_windows
from ezsd.detector.detector import ZeroShotDetector
from ezsd.detector.sampling import IGNORED
from ezsd.masks import decode_masks
from ezsd.pipeline.data.training_photos import TrainingPhotos
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.jobs.training import Training, TrainingRun
from ezsd.pipeline.jobs.training_log import LiveRows
from ezsd.pipeline.stage import StageContext
from ezsd.training.closed_form import start_in_closed_form
from ezsd.training.dataset import Draw, Example, TrainSet
from ezsd.training.determinism import derive_seed, deterministic
from ezsd.training.engine import StepReport
from ezsd.training.repeats import draw_repeats, repeat_factors
from ezsd.training.schedule import Schedule
from ezsd.training.targets import CachedTargets, PseudoTargets

WINDOW_SHARDS = 8
"""Number of shards that are held in memory and shuffled together."""

START_PHOTOS = 300
"""At most, of a closed-form start: about as many boxes as its regression has unknowns are enough."""

OBJECTS = ("gt_boxes_xyxy", "gt_embeddings", "gt_embeddings_scales")
PROPOSALS = ("boxes_xyxy", "confidence", "embeddings", "embeddings_scales")
CODES = ("embeddings", "gt_embeddings")


def train_detector(
    context: StageContext,
    detector: ZeroShotDetector,
    photos: TrainingPhotos,
    targets: "TargetReader",
) -> tuple[list[StepReport], Schedule]:
    """Take the remaining steps; return the reports of all steps, and the schedule.

    Ctrl-C leaves a checkpoint.
    """
    params = context.params.train
    factors = repeat_factors([photos.labels(row) for row in range(len(photos))], params.repeat_threshold)
    examples = TrainSet(photos.photo, targets, params.examples)
    run = TrainingRun(
        context,
        Training(
            section="train",
            model=detector,
            examples=examples,
            order=partial(targets.order, factors, params.seed),
            photos=round(sum(factors)),
            schedule=params.schedule,
            config=params,
            checkpoint_seconds=params.checkpoint_seconds,
        ),
    )
    taken = len(run.reports)
    if params.detector.start == "closed_form" and not taken:
        _solve_start(context, detector, examples, len(photos))
    with context.step_logs(taken) as log:
        device = choose_device(context.params.run)
        rows = LiveRows(log, run.schedule, params.schedule.images_per_step, device, taken)
        for _ in run.steps():
            rows.update(run.reports)
    return run.reports, run.schedule


def start_rows(photos: int) -> range:
    """Rows of the photos, evenly spaced, that a start in closed form reads."""
    return range(0, photos, -(-photos // START_PHOTOS))


def _solve_start(context: StageContext, detector: ZeroShotDetector, examples: TrainSet, photos: int) -> None:
    """Let the head begin with the embeddings of some photos, evenly spaced; a stopped run does it again."""
    rows = start_rows(photos)
    seed = context.params.train.seed

    with deterministic(), context.progress(len(rows), "photos", label="train: start") as progress:

        def shown() -> Iterator[Example]:
            for row in rows:
                yield examples[Draw(row, derive_seed(seed, row))]
                progress.advance(1)

        start_in_closed_form(detector, shown())


@dataclass
class TargetReader:
    """Reads the targets of a training photo by its row; caches recent shards.

    Attributes:
        index: base boxes of the training photos.
        store: teacher embeddings of the same photos, row for row.
        masks: of the same boxes, row for row, for a detector with a mask head.
        pseudo: boxes of the same photos; None without any.
    """

    index: DatasetIndex
    store: ShardedStore
    masks: MaskTable | None = None
    pseudo: PseudoTable | None = None

    def __post_init__(self) -> None:
        if self.store.rows != len(self.index):
            raise _stale(f"holds {self.store.rows} photos, the index {len(self.index)}")
        if self.masks is not None and len(self.masks) != len(self.index.boxes):
            raise ArtifactError(
                f"there are {len(self.masks)} masks for {len(self.index.boxes)} boxes: "
                "run `ezsd-cli precompute --only prepare --force`"
            )
        if self.pseudo is not None and self.pseudo.photos != len(self.index):
            raise ArtifactError(
                f"there are pseudo boxes of {self.pseudo.photos} photos for {len(self.index)}: "
                "run `ezsd-cli precompute --only pseudo --force`"
            )
        self._shards: OrderedDict[int, Rows] = OrderedDict()

    def __call__(self, row: int) -> CachedTargets:
        """Return the targets of a row. Raises ArtifactError when the store is damaged or of other photos."""
        shard, place = divmod(row, self.store.layout.shard_rows)
        cached = {name: array[place] for name, array in self._read(shard).items()}
        image_id = int(self.index.photos.image_ids[row])
        if int(cached["image_ids"]) != image_id:
            raise _stale(f"has image {int(cached['image_ids'])} in row {row}, the index has {image_id}")
        boxes = self.index.objects_of(row)
        objects = _first(cached, OBJECTS, int(cached["gt_count"]))
        proposals = _first(cached, PROPOSALS, int(cached["count"]))
        return CachedTargets(
            boxes_xyxy=torch.from_numpy(boxes.boxes_xyxy),
            labels=torch.from_numpy(boxes.labels.astype(np.int64)),
            object_boxes_xyxy=torch.from_numpy(objects["gt_boxes_xyxy"]),
            object_embeddings=torch.from_numpy(decode_embeddings("gt_embeddings", objects)),
            proposal_boxes_xyxy=torch.from_numpy(proposals["boxes_xyxy"]),
            proposal_embeddings=torch.from_numpy(decode_embeddings("embeddings", proposals)),
            proposal_confidences=torch.from_numpy(proposals["confidence"]),
            masks=None if self.masks is None else self._decode(self.masks, row),
            pseudo=None if self.pseudo is None else _pseudo_of(self.pseudo, row),
        )

    def order(self, factors: Sequence[float], seed: int, epoch: int) -> Sequence[int]:
        """Rows in the order of an epoch, shuffled within windows of whole shards.

        Args:
            factors: mean repeats of each row in an epoch.
        """
        windows = plan_windows(
            self.store.layout,
            seed=seed,
            epoch=epoch,
            window_shards=WINDOW_SHARDS,
            repeats=draw_repeats(factors, seed, epoch).numpy(),
        )
        return np.concatenate([window.rows for window in windows]).tolist()

    def _decode(self, masks: MaskTable, row: int) -> torch.Tensor:
        """Masks (G, H, W) uint8 of a photo's boxes, without crowd regions."""
        width, height = self.index.photos.sizes_wh[row].tolist()
        return decode_masks(
            [masks.of(int(place)) for place in self.index.object_places(row)], (height, width)
        )

    def _read(self, shard: int) -> Rows:
        if shard not in self._shards:
            names = {"image_ids", "gt_count", "count", *OBJECTS, *PROPOSALS}
            exact = [
                name for name in ("embeddings", "gt_embeddings") if self.store.spec(name).dtype != "int8"
            ]
            self._shards[shard] = self.store.read_shard(shard, names - {f"{name}_scales" for name in exact})
            while len(self._shards) > WINDOW_SHARDS:
                self._shards.popitem(last=False)
        self._shards.move_to_end(shard)
        return self._shards[shard]


def _pseudo_of(table: PseudoTable, photo: int) -> PseudoTargets:
    rows = table.rows_of(photo)
    labels = table.labels[rows].astype(np.int64)
    return PseudoTargets(
        torch.from_numpy(table.boxes_xyxy[rows]),
        torch.from_numpy(np.where(labels == NO_NAME, IGNORED, labels)),
        torch.from_numpy(table.confidence[rows]),
    )


def _first(cached: Mapping[str, np.ndarray], names: Sequence[str], count: int) -> Rows:
    """Copies of the first `count` rows of the named arrays that exist."""
    return {name: cached[name][:count].copy() for name in names if name in cached}


def _stale(what: str) -> ArtifactError:
    return ArtifactError(f"the store of embeddings {what}: run `ezsd-cli precompute`")
