"""Memory of `predict` over photos of 12 megapixels, by a detector of the paper's size; it should be flat."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.watch import Watched, watch
from ezsd.detector.config import DetectorConfig, RpnConfig
from ezsd.detector.detector import build_detector
from ezsd.pipeline.models.detector import WEIGHTS, TrainedDetector, write_detector
from ezsd.split import builtin_split

PHOTOS = 300
FEW = 3
SIZE_WH = (4000, 3000)
DIM = 512
SMALL = DetectorConfig(rpn=RpnConfig(post_nms_top_n=20), short_side=160, long_side=240)
"""The paper's, but for regions so few and photos scaled so small that hundreds take minutes."""


def main() -> None:
    """Let each detector look at a few photos and the small one at all, in processes of their own."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        paper = _watch(root, DetectorConfig(), "paper", FEW)
        few, many = (_watch(root, SMALL, "small", count) for count in (FEW, PHOTOS))
    measurements = [
        Measurement("predict.peak", paper.largest_bytes / 2**30, "GiB", target=Target("<=", 2.0)),
        ratio("predict.growth_100x", many.largest_bytes / few.largest_bytes, Target("<=", 1.05)),
        Measurement("predict.seconds_a_photo", many.seconds / PHOTOS, "s"),
    ]
    details = {"photos": [FEW, PHOTOS], "size": list(SIZE_WH), "short_sides": [800, SMALL.short_side]}
    write_result(Result("predict", 1, measurements, details))


def _write_detector(folder: Path, config: DetectorConfig) -> Path:
    """A detector of COCO's names with random weights."""
    torch.manual_seed(1)
    split = builtin_split("coco_48_17")
    detector = build_detector(config, DIM)
    detector.set_vocabulary(torch.nn.functional.normalize(torch.randn(len(split.names), DIM)))
    write_detector(folder, TrainedDetector(detector, split, "names known", {}, {}))
    return folder / WEIGHTS


def _watch(root: Path, config: DetectorConfig, name: str, count: int) -> Watched:
    photos = root / f"{name}-{count}"
    photos.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    first = photos / "0.jpg"
    Image.fromarray(noise).resize(SIZE_WH, Image.Resampling.BICUBIC).save(first)
    for number in range(1, count):
        os.link(first, photos / f"{number}.jpg")
    detector = _write_detector(root / name, config)
    command = ["ezsd-cli", "predict", str(photos), "--detector", str(detector), "--threshold", "0.5"]
    return watch([*command, "--out", f"found-{name}-{count}"], root)


if __name__ == "__main__":
    main()
