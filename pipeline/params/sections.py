"""The sections of the params: the configurations of `ezsd`, and beside them what the pipeline alone knows."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Fraction, Positive, Seed, Whole, config
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.evaluation.config import EnsembleConfig
from ezsd.mining.config import CascadeConfig, MineConfig, RegionProposerConfig
from ezsd.training.config import ExampleConfig, ScheduleConfig, StepConfig

Logger = Literal["dvclive", "tensorboard"]


@config
class OwnSplit:
    """Base and novel names of one's own data.

    Attributes:
        base: names with boxes in training.
        novel: names without.
    """

    base: Annotated[tuple[str, ...], Field(min_length=1)]
    novel: Annotated[tuple[str, ...], Field(min_length=1)]


@config
class WorldParams:
    """How much is drawn: with format `world` the embedded world, with `lvis` its long tail.

    Attributes:
        train: photos to train on.
        val: photos to evaluate on.
        seed: of all that is drawn.
    """

    train: Count
    val: Count
    seed: Seed


@config
class DataParams:
    """Where photos and annotations are. Paths are relative to the folder of `params.yaml`, or absolute.

    Attributes:
        format: of the annotations; `world` is drawn by the project itself.
        split: name of a split, or lists of base and novel names.
        world: what is drawn; null for data from files.
        train_photos: folder.
        train_annotations: JSON file; with `voc` a list of images.
        val_photos: folder.
        val_annotations: JSON file; with `voc` a list of images.
    """

    format: Literal["world", "coco", "lvis", "voc"]
    split: str | OwnSplit
    world: WorldParams | None = None
    train_photos: str | None = None
    train_annotations: str | None = None
    val_photos: str | None = None
    val_annotations: str | None = None

    def __post_init__(self) -> None:
        keys = ("train_photos", "train_annotations", "val_photos", "val_annotations")
        paths = {key: getattr(self, key) for key in keys}
        if self.format == "world" or (self.format == "lvis" and self.world is not None):
            if self.world is None or any(paths.values()):
                raise ValueError("a world that is drawn takes data.world and no paths")
        elif self.world is not None:
            raise ValueError(f"format '{self.format}' takes paths, so data.world must be left out")
        elif missing := [key for key, value in paths.items() if not value]:
            raise ValueError(f"format '{self.format}' needs data.{missing[0]}")


@config
class NovelShots:
    """Boxes of novel names that training sees (few-shot).

    Attributes:
        per_name: of each name, at most.
        seed: of the draw.
    """

    per_name: Count
    seed: Seed = 0


@config
class PrepareParams:
    """Checks and index; `novel_images` and `novel_shots` alone let training see any novel annotation.

    Attributes:
        empty_photos: whether training photos without a base box are kept.
        novel_images: whether training photos with novel objects are kept.
        novel_shots: boxes of novel names to train on; null for none.
        masks: whether the masks of base boxes are kept too, for `train.detector.mask_head`.
        max_quarantined_fraction: of photos or boxes that are left out as unusable, before `prepare` stops.
        photos_per_shard: photos that one worker checks at a time.
    """

    empty_photos: Literal["keep", "drop"] = "drop"
    novel_images: Literal["keep", "drop"] = "keep"
    novel_shots: NovelShots | None = None
    masks: bool = False
    max_quarantined_fraction: Fraction = 0.001
    photos_per_shard: Count = 512


@config
class MineRpnParams(RegionProposerConfig):
    """The miner `rpn`, and how base boxes train it.

    Attributes:
        backbone_weights: `bundled` (of `world`), `random`, `tag:TAG` of the library, or a file.
        schedule: how long it is trained.
        seed: of weights, order and draws.
    """

    backbone_weights: str = "tag:IMAGENET1K_V1"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    seed: Seed = 0


@config
class MineParams(MineConfig):
    """CLIP proposals (docs/method.md, section 3).

    Attributes:
        method: `exhaustive` is the paper's: every anchor goes through the teacher; `cascade` sends a fraction
            of them; `rpn` is ViLD's: a network that base boxes train proposes.
        names: what competes for a crop: base and novel names (`known`, the paper's), or base names and
            `extra_names` (`strict`).
        extra_names: names of one's own, made without looking at the novel names.
        batch: crops that go through the teacher at once.
        photos_per_shard: photos of one shard of `mine` and `embed`.
        cascade: of the method `cascade`.
        rpn: of the method `rpn`.
    """

    method: Literal["exhaustive", "cascade", "rpn"] = "exhaustive"
    names: Literal["known", "strict"] = "known"
    extra_names: tuple[str, ...] = ()
    batch: Count = 512
    photos_per_shard: Count = 64
    cascade: CascadeConfig = field(default_factory=CascadeConfig)
    rpn: MineRpnParams = field(default_factory=MineRpnParams)


@config
class EmbedParams:
    """Teacher embeddings of ground truth and proposals.

    Attributes:
        crops: `single` embeds the crop that `mine.context_factor` sets, as the paper does; `multi` the sum of
            the 1x and the 1.5x crop, as ViLD does.
        dtype: of the stored embeddings.
        batch: crops that go through the teacher at once.
    """

    crops: Literal["single", "multi"] = "single"
    dtype: Literal["float16", "int8"] = "float16"
    batch: Count = 512


@config
class TrainParams(StepConfig):
    """The detector and its training (docs/method.md, sections 4 to 6).

    Attributes:
        detector: what is trained.
        backbone_weights: `bundled` (of `world`), `random`, `tag:TAG` of the library, or a file.
        schedule: how long it is trained.
        examples: what is drawn at random each time that a photo is shown.
        repeat_threshold: photos with a base name in less than this fraction of the photos are repeated
            (repeat-factor sampling); 0 repeats none.
        classification_loss: `softmax` cross-entropy, or `seesaw` for long tails.
        checkpoint_seconds: between two checkpoints, at most about an epoch.
    """

    detector: DetectorConfig = field(default_factory=DetectorConfig)
    backbone_weights: str = "tag:IMAGENET1K_V1"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    examples: ExampleConfig = field(default_factory=ExampleConfig)
    repeat_threshold: Fraction = 0.0
    classification_loss: Literal["softmax", "seesaw"] = "softmax"
    checkpoint_seconds: Positive = 600.0

    def __post_init__(self) -> None:
        if self.schedule.images_per_step % self.micro_batches:
            raise ValueError("micro_batches must divide schedule.images_per_step")


@config
class EvaluateParams(Selection):
    """Scoring against all annotations, novel ones included: the only stage that reads them.

    Attributes:
        photos: whether validation photos without any box count (`all`) or not (`with_boxes`).
        max_dets: detections of a photo that are scored, at most; the first is reported, others beside it.
        ensemble: joins the teacher's score with the detector's; null for the detector alone.
    """

    photos: Literal["with_boxes", "all"] = "with_boxes"
    max_dets: Annotated[tuple[Count, ...], Field(min_length=1)] = (100,)
    ensemble: EnsembleConfig | None = None


@config
class ReportParams:
    """The page: photos on it.

    Attributes:
        training_photos: shown with proposals.
        validation_photos: shown with detections.
    """

    training_photos: Count = 6
    validation_photos: Count = 12


@config
class RunParams:
    """Where and with how many workers; changes no byte of any artifact.

    Attributes:
        workers: processes; 0 for one for each GPU, or core.
        scheduler: address of a dask scheduler; null for workers on this machine.
        stores: URL below which the shards of `mine` and `embed` lie; null for their own folders.
        device: `auto` takes a GPU where there is one.
        loggers: that follow the training.
    """

    workers: Whole = 0
    scheduler: str | None = None
    stores: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    loggers: tuple[Logger, ...] = ()
