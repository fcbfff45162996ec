"""Measures on this machine how long a unit of work takes, with networks of random weights.

Weights do not change the time, so nothing is downloaded, and photos need not be there.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ezsd.evaluation.config import ProbingConfig
from ezsd.evaluation.probing import probe_novel_names
from ezsd.photos import decode_photo
from ezsd.pipeline.data.world.drawing import encode_jpeg
from ezsd.pipeline.device import choose_device, count_workers, one_thread
from ezsd.pipeline.models import RANDOM
from ezsd.pipeline.models.teacher_source import resolve_teacher
from ezsd.pipeline.params import Params
from ezsd.pipeline.plan.counts import Amounts
from ezsd.pipeline.plan.data import SCENES, draw_one
from ezsd.pipeline.plan.mining_probe import MiningProbe
from ezsd.pipeline.plan.probe_parts import Task, doubled, evenly_spaced_xyxy, meter_of
from ezsd.pipeline.plan.rates import Clock, Rate, constant, repeat
from ezsd.pipeline.plan.work import ANCHOR, CROP, FIT, LOAD, PHOTO, PROBED, SCENE, START, TEXT
from ezsd.pipeline.progress import Progress
from ezsd.teacher.box_encoder import BoxEncoder
from ezsd.teacher.load import load_teacher
from ezsd.teacher.precision import in_precision, used_precision
from ezsd.teacher.protocol import Teacher

LIBRARIES = "ezsd.pipeline.executor, ezsd.pipeline.plan.probe"
"""Modules that import what the stages and their workers import."""
MOST_TEXTS = 64
MOST_PROBED = 4096


def start_process() -> subprocess.Popen[bytes]:
    """Let a process start and import the libraries."""
    return subprocess.Popen([sys.executable, "-Pc", f"import {LIBRARIES}"])


def seconds_of(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; the seconds of the processor that it took."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Probe:
    """Measures the rates of a run.

    Attributes:
        params: its params.
        root: folder of the params.
        amounts: its data set.
    """

    params: Params
    root: Path
    amounts: Amounts

    def measure(self, seconds: float, progress: Progress) -> dict[str, Rate]:
        """Measure all rates that do not depend on `train`, within a limit of seconds."""
        start, before = time.monotonic(), self._meter()
        process = start_process()  # beside the others: theirs is the time of this process alone
        progress.say(LOAD)
        _ = self.teacher
        rates = {LOAD: constant(self._meter() - before)}
        progress.advance(1)
        tasks = self._tasks()
        for place, (name, task) in enumerate(tasks.items()):
            progress.say(name)
            left = start + seconds - time.monotonic()
            with one_thread():
                rates[name] = task(left / (len(tasks) - place))
            progress.advance(1)
        progress.say(START)
        rates[START] = constant(seconds_of(process))
        progress.advance(1)
        return rates

    @property
    def count(self) -> int:
        """Number of measurements."""
        return 2 + len(self._tasks())

    def _tasks(self) -> dict[str, Task]:
        tasks: dict[str, Task] = {PHOTO: self._photo}
        if self.params.data.world is not None:
            sizes = doubled(SCENES)
            tasks[SCENE] = lambda seconds: repeat(self._draw, sizes, seconds, time.process_time).rate()
        if self.params.renorm.towers != "image":
            most = doubled(MOST_TEXTS)
            tasks[TEXT] = lambda seconds: repeat(self._texts, most, seconds, self._meter).rate()
        if self.params.evaluate.probing is not None:
            boxes = doubled(MOST_PROBED)
            tasks[PROBED] = lambda seconds: repeat(self._probing, boxes, seconds, time.process_time).rate()
        tasks[ANCHOR] = lambda seconds: self._mining.anchor(seconds)
        if self.params.mine.method == "cascade":
            tasks[FIT] = lambda seconds: self._mining.fitted_anchor(seconds)
        return {**tasks, CROP: self._crops}  # most of the time is that of crops: the last has what is left

    @cached_property
    def _mining(self) -> MiningProbe:
        return MiningProbe(self.params.mine, self.amounts, self.teacher, self.photo)

    @property
    def _meter(self) -> Clock:
        return meter_of(choose_device(self.params.run))

    @cached_property
    def teacher(self) -> Teacher:
        """The teacher with random weights, on its device, in the precision of mining."""
        model = self.params.teacher.model
        source = replace(self.params.teacher, weights=RANDOM)
        if (self.root / model).is_file():
            source = replace(source, model=str(self.root / model))
        device = choose_device(self.params.run)
        teacher = load_teacher(resolve_teacher(source, self.root)).to(device)
        return in_precision(teacher, used_precision(source.precision, device))

    @property
    def teacher_bytes(self) -> int:
        """Size of the teacher's weights."""
        towers = (self.teacher.image_tower, self.teacher.text_tower)
        weights = [value for tower in towers for value in tower.state_dict().values()]
        return sum(value.numel() * value.element_size() for value in weights)

    @cached_property
    def photo(self) -> Tensor:
        """Clouds with some grain, of the most frequent size: about as long to decode as a photo."""
        return decode_photo(self._jpeg, self.amounts.common_size_wh)

    @cached_property
    def _jpeg(self) -> bytes:
        width, height = self.amounts.common_size_wh
        generator = np.random.default_rng(0)
        coarse = generator.integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), np.uint8)
        clouds = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
        grain = generator.integers(-12, 13, clouds.shape)
        return encode_jpeg(np.clip(clouds + grain, 0, 255).astype(np.uint8))

    def _photo(self, seconds: float) -> Rate:
        def decode(photos: int) -> None:
            for _ in range(photos):
                decode_photo(self._jpeg, self.amounts.common_size_wh)

        return repeat(decode, doubled(8), seconds, time.process_time).rate()

    def _draw(self, scenes: int) -> None:
        for index in range(scenes):
            encode_jpeg(draw_one(self.params, index).image)

    @torch.inference_mode()
    def _texts(self, texts: int) -> None:
        self.teacher.encode_texts(["a photo of a thing"] * texts).cpu()

    def _probing(self, boxes: int) -> None:
        """A step with as many novel names as base names."""
        names, dim = self.amounts.names, self.teacher.dim
        labels = names + torch.arange(boxes) % names
        probe_novel_names(
            torch.ones(2 * names, dim), names, torch.ones(boxes, dim), labels, 1.0, ProbingConfig(), 1
        )

    def _crops(self, seconds: float) -> Rate:
        """Crops on as many workers at once as a run has, because they share caches and memory."""
        encoder, device = BoxEncoder(self.teacher, self.params.mine.batch), choose_device(self.params.run)
        workers = count_workers(self.params.run) if device.type == "cpu" else 1
        boxes_xyxy = evenly_spaced_xyxy(self.params.mine.batch, self.photo)

        def encode(crops: int) -> None:
            with one_thread():
                encoder.encode(self.photo, boxes_xyxy[:crops], self.params.mine.context_factor)

        with ThreadPoolExecutor(workers) as pool:

            def encode_at_once(crops: int) -> None:
                list(pool.map(encode, [crops] * workers))

            sizes = doubled(self.params.mine.batch)
            return repeat(encode_at_once, sizes, seconds, self._meter).rate() * (1 / workers)
