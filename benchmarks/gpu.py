"""What a GPU does in a second: images, crops and photos of the teachers, photos of R50, and the plan of COCO.

Weights are random: they change no time. Teachers compute in bfloat16, as the presets ask for on a GPU.
Without a GPU, `main` says so and measures nothing; the parts run on a CPU too, which a test does in small.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from benchmarks.record import Measurement, Result, Target, write_result
from benchmarks.rehearsal.drawing import draw_data_set
from benchmarks.rehearsal.shapes import SHAPES
from benchmarks.step_flops import DIM, NAMES, OBJECTS, example_target
from benchmarks.timing import seconds_of
from ezsd.detector.detector import ZeroShotDetector, build_detector, detect
from ezsd.mining.cascade import CascadeMiner
from ezsd.mining.config import MineConfig
from ezsd.mining.contrast import box_contrasts
from ezsd.mining.proposals import CropClassifier
from ezsd.pipeline.params import Params, parse_params, preset_text
from ezsd.pipeline.plan.estimate import Estimate
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.dense_maps import photo_maps, require_dense
from ezsd.teacher.load import load_teacher
from ezsd.teacher.precision import in_precision, used_precision
from ezsd.teacher.protocol import Teacher
from ezsd.teacher.source import RANDOM, find_teacher

PRECOMPUTE_HOURS = 3.0
SHARE = 0.01
"""Of COCO's photos, drawn for the plan, whose times grow with their number."""

OFFLINE = ("teacher.weights=random", "train.backbone_weights=random", "mine.rpn.backbone_weights=random")


@dataclass(frozen=True)
class Size:
    """What is measured.

    Attributes:
        teachers: architectures of open_clip.
        batch: crops of a forward.
        photo_hw: height and width of the photos.
        mining: recipe of the cascade.
        rounds: measurements, of which the best counts.
    """

    teachers: tuple[str, ...] = ("ViT-B-32", "ViT-L-14", "ViT-L-14-336")
    batch: int = 512
    photo_hw: tuple[int, int] = (480, 640)
    mining: MineConfig = field(default_factory=MineConfig)
    rounds: int = 3


def main() -> None:
    """Measure everything at full size and record the result."""
    if not torch.cuda.is_available():
        sys.exit("error: torch sees no GPU: this benchmark measures one")
    device, size = torch.device("cuda"), Size()
    params = parse_params(preset_text("coco"), OFFLINE)
    measurements = [
        *(one for name in size.teachers for one in measure_teacher(name, size, device)),
        *measure_detector(params, size, device),
        *measure_plan(params),
    ]
    write_result(Result("gpu", 0, measurements, {"batch": size.batch, "photo": size.photo_hw}))


@torch.inference_mode()
def measure_teacher(name: str, size: Size, device: torch.device) -> Iterator[Measurement]:
    """Time bare forwards, forwards with cutting, and the cascade on a photo."""
    teacher = load_teacher(find_teacher(name, None if name == "world-teacher" else RANDOM)).to(device)
    teacher = in_precision(teacher, used_precision("bfloat16", device))
    photo = torch.randint(256, (3, *size.photo_hw), dtype=torch.uint8)
    boxes = _boxes(size.batch, size.photo_hw)
    encoder = BoxEncoder(teacher, size.batch)
    side = teacher.image_size
    pixels = torch.zeros((size.batch, 3, side, side), device=device).to(memory_format=torch.channels_last)
    classifier = CropClassifier(encoder, torch.eye(teacher.dim)[:NAMES], 0)
    miner, nothing = CascadeMiner(torch.randn(_features(teacher, photo)), 0.1), torch.empty((0, 4))
    works = {
        "images": (size.batch, lambda: teacher.encode_images(pixels)),
        "crops": (size.batch, lambda: encoder.encode(photo, boxes, 1.2)),
        "mined_photos": (1, lambda: miner(photo, nothing, classifier, size.mining)),
    }
    _forget_peak()
    for unit, (count, work) in works.items():
        seconds = min(seconds_of(work) for _ in range(size.rounds + 1))
        yield Measurement(f"gpu.{unit}_per_second.{name}", count / seconds, f"{unit.split('_')[-1]}/s")
    yield Measurement(f"gpu.peak_gib.{name}", _peak_gib(), "GiB")


def measure_detector(params: Params, size: Size, device: torch.device) -> Iterator[Measurement]:
    """Time detection, and a step with cached targets but without its optimizer, at the preset's size."""
    train = params.train
    detector = build_detector(train.detector, DIM).to(device, memory_format=torch.channels_last)
    detector.set_vocabulary(torch.randn(NAMES, DIM))
    images = train.schedule.images_per_step
    photos = [
        torch.randint(256, (3, *size.photo_hw), dtype=torch.uint8, device=device) for _ in range(images)
    ]
    target = example_target(train, OBJECTS + train.examples.proposals_per_image)
    targets = [{key: value.to(device) for key, value in target.items()}] * images
    _forget_peak()
    for unit, work in (
        ("trained_photos", lambda: _step(detector, photos, targets)),
        ("detected_photos", lambda: detect(detector, photos)),
    ):
        seconds = min(seconds_of(work) for _ in range(size.rounds + 1))
        yield Measurement(f"gpu.{unit}_per_second.R50", images / seconds, "photos/s")
    yield Measurement("gpu.peak_gib.R50", _peak_gib(), "GiB")


def measure_plan(params: Params, share: float = SHARE, seconds: float = 60.0) -> Iterator[Measurement]:
    """Ask `ezsd-cli plan` for the hours of each stage on all of COCO; the drawn photos are small files."""
    with TemporaryDirectory() as folder:
        root, data = Path(folder), Path(folder) / "data"
        data.mkdir()
        draw_data_set(SHAPES[0].part(share), data)
        own = replace(
            params.data,
            train_photos=str(data / "train2017"),
            train_annotations=str(data / "train.json"),
            val_photos=str(data / "val2017"),
            val_annotations=str(data / "val.json"),
        )
        drawn = replace(params, data=own)
        estimate = Estimate(drawn, root)
        plan = estimate.plan(drawn)
        timing = estimate.time(plan, drawn, seconds)
    hours = {stage: rate.seconds / share / 3600 for stage, rate in timing.stages.items()}
    precompute = sum(hours[stage] for stage in ("prepare", "renorm", "mine", "embed"))
    yield Measurement("gpu.plan.coco_precompute", precompute, "h", None, Target("<=", PRECOMPUTE_HOURS))
    for stage, taken in hours.items():
        yield Measurement(f"gpu.plan.coco.{stage}", taken, "h")


def _step(detector: ZeroShotDetector, photos: list[Tensor], targets: list[dict[str, Tensor]]) -> None:
    detector.train()
    with torch.autocast(photos[0].device.type, torch.bfloat16):
        losses = detector(photos, targets)
    torch.stack([loss.float() for loss in losses.values()]).sum().backward()
    detector.zero_grad()


def _boxes(count: int, photo_hw: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor(photo_hw[::-1])
    sides = (0.1 + 0.5 * torch.rand((count, 2), generator=generator)) * size
    corners = torch.rand((count, 2), generator=generator) * (size - sides)
    return torch.cat([corners, corners + sides], dim=1)


def _features(teacher: Teacher, photo: Tensor) -> int:
    """Return the number of inputs of the cascade's ranking with this teacher."""
    maps = photo_maps(photo.to(teacher.device), require_dense(teacher))
    photo_hw = (photo.shape[1], photo.shape[2])
    return box_contrasts(maps, _boxes(1, photo_hw), photo_hw).shape[1] + 1


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _peak_gib() -> float | None:
    return torch.cuda.max_memory_reserved() / 2**30 if torch.cuda.is_available() else None


if __name__ == "__main__":
    main()
