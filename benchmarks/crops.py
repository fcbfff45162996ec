"""Crops per second, from a decoded photo to the image tower's pixels: in batches, and one PIL crop at a time.

The PIL baseline is CLIP's own preprocessing and the paper's release: crop, paste into a square, resize,
convert to a tensor, normalise, box by box. In both, the photo is decoded once.
"""

from collections.abc import Callable

import numpy as np
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from PIL import Image
from torch import Tensor

from benchmarks.provenance import this_machine
from benchmarks.record import Measurement, Result, Target, ratio, write_result
from benchmarks.timing import Work, take_turns, torch_threads
from ezsd.mining.anchors import anchor_boxes_xyxy, fit_scale
from ezsd.pipeline.data.world.scenes import draw_scene
from ezsd.pipeline.device import keep_freed_memory
from ezsd.teacher.crops import crop_windows, normalize_crops, square_crops

SEED = 0
ORIGINAL_SIZE = (480, 640)
BOXES = 128
SIZES = (64, 224)
ROUNDS = 15
MEAN, STD = 255 * torch.tensor(OPENAI_DATASET_MEAN), 255 * torch.tensor(OPENAI_DATASET_STD)
TARGETS = {"cpu": Target(">=", 4), "cuda": Target(">=", 20)}


def main() -> None:
    """Measure both methods at each size and record the result."""
    keep_freed_memory()  # as every stage does
    photo, boxes_xyxy = make_photo(), choose_boxes()
    cores = this_machine().cores
    measurements: list[Measurement] = []
    for size in SIZES:
        works = {"PIL": _with_threads(1, crop_by_pil, photo, boxes_xyxy, size)}
        for threads in sorted({1, cores}):
            works[f"{threads}_threads"] = _with_threads(threads, crop_in_batches, photo, boxes_xyxy, size)
        if torch.cuda.is_available():
            works["gpu"] = _with_threads(1, crop_in_batches, photo.cuda(), boxes_xyxy, size)
        measurements += _compare(take_turns(works, ROUNDS), size, cores)
    write_result(Result("crops", SEED, measurements, {"boxes": BOXES, "photo": ORIGINAL_SIZE}))


def make_photo() -> Tensor:
    """Return a drawn scene at the size of a COCO photo: uint8 `(3, H, W)`."""
    scene = Image.fromarray(draw_scene(SEED, "test", 0).image)
    return torch.from_numpy(np.array(scene.resize(ORIGINAL_SIZE[::-1]))).permute(2, 0, 1).contiguous()


def choose_boxes() -> Tensor:
    """Return some of the anchors of the paper's recipe on such a photo, `(BOXES, 4)`."""
    anchors = anchor_boxes_xyxy(ORIGINAL_SIZE, fit_scale(ORIGINAL_SIZE, 1333, 800))
    order = torch.randperm(len(anchors), generator=torch.Generator().manual_seed(SEED))
    return anchors[order[:BOXES]]


def crop_in_batches(photo: Tensor, boxes_xyxy: Tensor, size: int) -> Tensor:
    """Crop our way: float32 `(N, 3, size, size)` normalised, on the photo's device."""
    crops = square_crops(photo, boxes_xyxy, 1.0, size)
    return normalize_crops(crops, MEAN.to(photo.device), STD.to(photo.device))


def crop_by_pil(photo: Tensor, boxes_xyxy: Tensor, size: int) -> Tensor:
    """Make the same crops with PIL, one at a time."""
    image = Image.fromarray(photo.permute(1, 2, 0).numpy())
    windows = crop_windows(boxes_xyxy, ORIGINAL_SIZE, 1.0).tolist()
    return torch.stack([_pil_crop(image, window, size) for window in windows])


def _pil_crop(image: Image.Image, window: tuple[int, int, int, int], size: int) -> Tensor:
    patch = image.crop(window)
    side = max(patch.size)
    square = Image.new("RGB", (side, side))
    square.paste(patch, ((side - patch.width) // 2, (side - patch.height) // 2))
    pixels = np.array(square.resize((size, size), Image.Resampling.BICUBIC))
    return (torch.from_numpy(pixels).permute(2, 0, 1).contiguous().float() - MEAN[:, None, None]) / STD[
        :, None, None
    ]


def _with_threads(
    threads: int, crop: Callable[[Tensor, Tensor, int], Tensor], photo: Tensor, boxes_xyxy: Tensor, size: int
) -> Work:
    def work() -> None:
        with torch_threads(threads):
            crop(photo, boxes_xyxy, size)

    return work


def _compare(seconds: dict[str, float], size: int, cores: int) -> list[Measurement]:
    rates = {name: BOXES / taken for name, taken in seconds.items()}
    pil = rates.pop("PIL")
    rows = [
        Measurement(f"crops.per_second.{size}px.{name}", rate, "crops/s", pil) for name, rate in rates.items()
    ]
    if size == max(SIZES):
        rows.append(ratio("crops.speedup_vs_pil", rates[f"{cores}_threads"] / pil, TARGETS["cpu"]))
        if "gpu" in rates:
            rows.append(ratio("crops.speedup_vs_pil_gpu", rates["gpu"] / pil, TARGETS["cuda"]))
    return rows


if __name__ == "__main__":
    main()
