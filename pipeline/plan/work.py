"""What each stage does, in units whose rates are measured."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ezsd.evaluation.probing import STEPS
from ezsd.pipeline.device import count_workers
from ezsd.pipeline.graph import STAGES
from ezsd.pipeline.jobs.evaluate import PHOTOS_PER_SHARD
from ezsd.pipeline.jobs.mine_cascade import FIT_PHOTOS, PHOTOS_PER_PART
from ezsd.pipeline.jobs.pseudo import PHOTOS_PER_PART as CALIBRATION_PHOTOS
from ezsd.pipeline.jobs.renorm import SAMPLE_BOXES
from ezsd.pipeline.jobs.train import start_rows
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.counts import FORWARDS_OF_TUNING, Units, check_boxes, mining_cost
from ezsd.pipeline.plan.data import DataSet
from ezsd.pipeline.plan.rates import NOTHING, Rate
from ezsd.pipeline.plan.sizes import artifact_bytes
from ezsd.training.schedule import schedule_in_epochs

START, LOAD, ANNOTATIONS = "start", "load the teacher", "annotations"
PHOTO, SCENE, CROP, TEXT = "photo", "scene", "crop", "text"
ANCHOR, FIT = "anchor of mining", "anchor of the fit of mining"
STEP, PROPOSER = "image of a training step", "image of a step of the proposal network"
HEAD, DETECTION = "start of the detector's head", "photo through the detector"
PROBED = "box of a step of probing"
"""Units whose rates are measured."""


@dataclass(frozen=True)
class StageWork:
    """What a stage does.

    Attributes:
        stage: its name.
        images: photos read.
        crops: boxes cut out, at most.
        forwards: forward passes through the teacher, at most.
        bytes: size of the artifact, at most.
        units: of the busiest worker, by the name of their rate.
    """

    stage: str
    images: int
    crops: int
    forwards: int
    bytes: int
    units: Mapping[str, float]

    def seconds(self, rates: Mapping[str, Rate]) -> Rate:
        """Duration of the stage."""
        return sum((rates[name] * units for name, units in self.units.items()), start=NOTHING)


@dataclass(frozen=True)
class Workload:
    """The work of a run.

    Attributes:
        params: its params.
        data: its data set.
        dim: length of the teacher's embeddings.
        detector_bytes: size of the detector's weights.
    """

    params: Params
    data: DataSet
    dim: int
    detector_bytes: int

    def stages(self) -> tuple[StageWork, ...]:
        """The work of each stage, in order."""
        sizes = artifact_bytes(self.params, self.data, self.dim, self.detector_bytes)
        return tuple(
            StageWork(
                stage,
                self._images(stage),
                round(sum(self._crops(stage))),
                round(self._forwards(stage)),
                round(sizes[stage]),
                {name: units for name, units in self._units(stage).items() if units},
            )
            for stage in STAGES
        )

    def _units(self, stage: str) -> Mapping[str, float]:
        counts: dict[str, Callable[[], Mapping[str, float]]] = {
            "prepare": self._prepare,
            "renorm": self._renorm,
            "mine": self._mine,
            "embed": self._embed,
            "pseudo": self._pseudo,
            "train": self._train,
            "evaluate": self._evaluate,
            "report": lambda: {PHOTO: self._images("report")},
        }
        # local workers start too, while the stage waits for them
        spread = {"prepare", "mine", "embed", "evaluate"} | ({"pseudo"} if self.params.pseudo else set())
        starts = 1 + (stage in spread and self._workers > 1)
        return {START: starts, **counts[stage]()}

    def _prepare(self) -> dict[str, float]:
        photos = self._busiest(self._images("prepare"), self.params.prepare.photos_per_shard)
        drawn = self.params.data.world is not None
        return {PHOTO: photos, SCENE: photos * drawn, ANNOTATIONS: 2 * (not drawn)}

    def _renorm(self) -> dict[str, float]:
        config, amounts = self.params.renorm, self.data.amounts
        steps = config.epochs * math.ceil(amounts.boxed_photos / config.photos_per_step)
        tuned = config.method == "tune"
        texts = FORWARDS_OF_TUNING * steps * amounts.names if config.towers != "image" else 0
        return {
            LOAD: 1,
            PHOTO: amounts.boxed_photos,
            CROP: FORWARDS_OF_TUNING * tuned * self._tuned_boxes() + 2 * min(amounts.boxes, SAMPLE_BOXES),
            TEXT: tuned * texts * (2 if config.check else 1),
        }

    def _mine(self) -> dict[str, float]:
        params, amounts = self.params.mine, self.data.amounts
        photos = self._busiest(amounts.train_photos, params.photos_per_shard)
        cost = mining_cost(params, amounts)
        fitted = min(FIT_PHOTOS, amounts.boxed_photos) * (params.method == "cascade")
        fit = self._busiest(fitted, PHOTOS_PER_PART)
        proposer = schedule_in_epochs(params.rpn.schedule, round(amounts.boxed_photos))
        images = proposer.steps * params.rpn.schedule.images_per_step
        return {
            LOAD: 1,
            PHOTO: photos + fit,
            CROP: photos * (cost.forwards - cost.tiles),
            ANCHOR: photos * cost.anchors,
            FIT: fit * cost.anchors,
            PROPOSER: images * (params.method == "rpn"),
        }

    def _embed(self) -> dict[str, float]:
        photos = self._busiest(self.data.amounts.train_photos, self.params.mine.photos_per_shard)
        return {LOAD: 1, PHOTO: photos, CROP: photos * self._embedded()}

    def _pseudo(self) -> dict[str, float]:
        if self.params.pseudo is None:
            return {}
        photos = self._busiest(self._images("pseudo"), CALIBRATION_PHOTOS)
        cost = mining_cost(self.params.mine, self.data.amounts)
        return {
            LOAD: 1,
            PHOTO: photos,
            CROP: photos * (cost.forwards - cost.tiles),
            ANCHOR: photos * cost.anchors,
        }

    def _train(self) -> dict[str, float]:
        shown, solved = self._images("train"), self.params.train.detector.start == "closed_form"
        started = len(start_rows(round(self.data.amounts.train_photos))) if solved else 0
        return {PHOTO: shown + started, STEP: shown, HEAD: int(solved)}

    def _evaluate(self) -> dict[str, float]:
        photos = self._busiest(self.data.amounts.val_photos, PHOTOS_PER_SHARD)
        crops = 2 * self._boxes_a_photo()  # by the raw and by the re-normalized teacher
        if self.params.evaluate.ensemble is not None:
            crops += self.params.evaluate.detections_per_image
        return {
            LOAD: 2,
            ANNOTATIONS: 2 * (self.params.data.world is None),
            PHOTO: photos,
            CROP: photos * crops,
            DETECTION: photos,
            PROBED: STEPS * self._probed_boxes(),
        }

    def _probed_boxes(self) -> int:
        """Boxes that probing learns from, at most; there are hardly more novel names than base names."""
        probing = self.params.evaluate.probing
        return 0 if probing is None else 2 * self.data.amounts.names * probing.boxes_per_name

    def _images(self, stage: str) -> int:
        amounts, report = self.data.amounts, self.params.report
        schedule = self.params.train.schedule
        steps = schedule_in_epochs(schedule, round(amounts.epoch_photos)).steps
        calibrated = 0 if self.params.pseudo is None else self.params.pseudo.photos
        photos, val = amounts.train_photos, amounts.val_photos
        return {
            "prepare": photos + val,
            "renorm": round(amounts.boxed_photos),
            "mine": photos,
            "embed": photos,
            "pseudo": min(calibrated, round(amounts.boxed_photos)),
            "train": steps * schedule.images_per_step,
            "evaluate": val,
            "report": min(report.training_photos, photos) + min(report.validation_photos, val),
        }[stage]

    def _crops(self, stage: str) -> tuple[float, ...]:
        amounts = self.data.amounts
        cost = mining_cost(self.params.mine, amounts)
        if stage == "renorm":
            return (self._tuned_boxes(), 2 * min(amounts.boxes, SAMPLE_BOXES))
        if stage in ("mine", "pseudo"):
            return (self._images(stage) * (cost.forwards - cost.tiles),)
        if stage == "embed":
            return (amounts.train_photos * self._embedded(),)
        return (2 * amounts.val_photos * self._boxes_a_photo(),) if stage == "evaluate" else ()

    def _forwards(self, stage: str) -> float:
        if stage not in ("mine", "pseudo"):
            return sum(self._crops(stage))
        cost, fitted = mining_cost(self.params.mine, self.data.amounts), 0.0
        if stage == "mine":
            fitted = min(FIT_PHOTOS, self.data.amounts.boxed_photos)
        return self._images(stage) * cost.forwards + cost.tiles * fitted

    def _tuned_boxes(self) -> float:
        """Boxes of re-normalization with those of its check, in units of tuned boxes."""
        config = self.params.renorm
        if config.method != "tune":
            return 0.0
        return config.epochs * self.data.amounts.epoch_boxes + check_boxes(config, self.data.amounts)

    def _embedded(self) -> float:
        """Crops of a photo: base boxes, and as many proposals as are kept."""
        views = 2 if self.params.embed.crops == "multi" else 1
        return views * (self.params.mine.keep + self._boxes_a_photo())

    def _boxes_a_photo(self) -> float:
        return self.data.amounts.boxes / self.data.amounts.train_photos

    def _busiest(self, count: float, per_shard: int) -> float:
        return Units(count, per_shard).busiest(self._workers)

    @property
    def _workers(self) -> int:
        return count_workers(self.params.run)
