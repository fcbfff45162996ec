"""The sections of the params: configurations of `ezsd`, extended by keys of the pipeline."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from ezsd.config import Count, Fraction, Positive, Seed, Whole, config
from ezsd.detector.config import DetectorConfig, Selection
from ezsd.evaluation.config import EnsembleConfig, ProbingConfig
from ezsd.mining.config import CascadeConfig, MineConfig, RegionProposerConfig
from ezsd.pipeline.findings.finding import StoppingKind
from ezsd.training.config import ExampleConfig, ScheduleConfig, StepConfig

Logger = Literal["dvclive", "tensorboard"]


@config
class OwnSplit:
    """Base and novel names of your own data.

    Attributes:
        base: names with boxes in training.
        novel: names without boxes in training.
    """

    base: Annotated[tuple[str, ...], Field(min_length=1)]
    novel: Annotated[tuple[str, ...], Field(min_length=1)]


@config
class WorldParams:
    """Size of the drawn data: the embedded world with format `world`, its long tail with `lvis`.

    Attributes:
        train: number of training photos.
        val: number of validation photos.
        seed: of the drawing.
    """

    train: Count
    val: Count
    seed: Seed


@config
class DataParams:
    """Where photos and annotations are. Paths are relative to the folder of `params.yaml`, or absolute.

    Attributes:
        format: of the annotations; with `world` the project draws the data.
        split: name of a split, or lists of base and novel names.
        world: size of the drawn data; null for data from files.
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
                raise ValueError("drawn data need data.world and no paths")
        elif self.world is not None:
            raise ValueError(f"format '{self.format}' takes paths, so data.world must be left out")
        elif missing := [key for key, value in paths.items() if not value]:
            raise ValueError(f"format '{self.format}' needs data.{missing[0]}")


@config
class NovelShots:
    """Boxes of novel names that training sees (few-shot).

    Attributes:
        per_name: maximum boxes of each name.
        seed: of the draw.
    """

    per_name: Count
    seed: Seed = 0


@config
class PrepareParams:
    """Checks and index; only `novel_images` and `novel_shots` let training use novel annotations.

    Attributes:
        empty_photos: whether training photos without a base box are kept.
        novel_images: whether training photos with novel objects are kept.
        novel_shots: boxes of novel names to train on; null for none.
        masks: whether masks of base boxes are kept, for `train.detector.mask_head`.
        max_quarantined_fraction: of photos or boxes that may be unusable and left out; else `prepare` stops.
        max_quarantined: number of photos or boxes that may be left out, whatever their fraction.
        photos_per_shard: photos in a shard.
    """

    empty_photos: Literal["keep", "drop"] = "drop"
    novel_images: Literal["keep", "drop"] = "keep"
    novel_shots: NovelShots | None = None
    masks: bool = False
    max_quarantined_fraction: Fraction = 0.001
    max_quarantined: Whole = 0
    photos_per_shard: Count = 512


@config
class MineRpnParams(RegionProposerConfig):
    """The miner `rpn`, and its training on base boxes.

    Attributes:
        backbone_weights: `bundled` (of `world`), `random`, `tag:TAG` of the library, or a file.
        schedule: of its training.
        seed: of weights, order and sampling.
    """

    backbone_weights: str = "tag:IMAGENET1K_V1"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    seed: Seed = 0


@config
class MineParams(MineConfig):
    """CLIP proposals (docs/method.md, section 3).

    Attributes:
        method: `exhaustive` (the paper's) encodes every anchor; `cascade` a fraction of them;
            `rpn` (ViLD's) takes proposals of a network trained on base boxes.
        names: vocabulary of mining: base and novel names (`known`, the paper's), or base names and
            `extra_names` (`strict`).
        extra_names: your own names, chosen without knowledge of the novel names.
        batch: crops per forward pass of the teacher.
        photos_per_shard: photos in a shard of `mine` and `embed`.
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
        crops: `single` (the paper's) embeds the crop of `mine.context_factor`; `multi` (ViLD's) sums the
            embeddings of the 1x and the 1.5x crop.
        dtype: of the stored embeddings.
        batch: crops per forward pass of the teacher.
    """

    crops: Literal["single", "multi"] = "single"
    dtype: Literal["float16", "int8"] = "float16"
    batch: Count = 512


@config
class TrainParams(StepConfig):
    """The detector and its training (docs/method.md, sections 4 to 6).

    Attributes:
        detector: its architecture.
        backbone_weights: `bundled` (of `world`), `random`, `tag:TAG` of the library, or a file.
        schedule: of the training.
        examples: random choices for each photo in each epoch.
        repeat_threshold: repeat-factor sampling: photos with a base name that is in less than this fraction
            of the photos are repeated, which makes an epoch longer; 0 repeats none.
        classification_loss: `softmax` cross-entropy, or `seesaw` for long tails.
        checkpoint_seconds: time between two checkpoints; one is also saved after each epoch.
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
    """Scoring against all annotations, including novel ones, which no other stage scores against.

    Attributes:
        photos: whether validation photos without boxes count (`all`) or not (`with_boxes`).
        max_dets: maximum detections per photo that are scored; the first value is the main one.
        ensemble: combines the teacher's score with the detector's; null for the detector alone.
        probing: classifiers of novel names from cached embeddings; null for text alone.
    """

    photos: Literal["with_boxes", "all"] = "with_boxes"
    max_dets: Annotated[tuple[Count, ...], Field(min_length=1)] = (100,)
    ensemble: EnsembleConfig | None = None
    probing: ProbingConfig | None = None


@config
class ReportParams:
    """The page.

    Attributes:
        training_photos: number of photos with proposals.
        validation_photos: number of photos with detections.
    """

    training_photos: Count = 6
    validation_photos: Count = 12


@config
class RunParams:
    """Devices and workers; changes no byte of any artifact.

    Attributes:
        workers: number of worker processes; 0 for one per GPU, or per core without a GPU.
        scheduler: address of a Dask scheduler; null for workers on this machine.
        stores: URL for the shards of `mine` and `embed`; null for the artifacts' folders.
        device: `auto` takes a GPU if there is one.
        loggers: live logs of the training.
        allow: findings that would stop the run (docs/reliability.md), to go on in spite of them.
    """

    workers: Whole = 0
    scheduler: str | None = None
    stores: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    loggers: tuple[Logger, ...] = ()
    allow: tuple[StoppingKind, ...] = ()
