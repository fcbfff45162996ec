"""`mine.method: rpn`: trains a region proposal network on base boxes, for its proposals."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.utils.data import DataLoader

from ezsd.cache.atomic import write_bytes_atomic
from ezsd.cache.errors import ArtifactError
from ezsd.cache.folders import remove_file
from ezsd.mining.config import RegionProposerConfig
from ezsd.mining.rpn import RegionProposer, RpnMiner
from ezsd.mining.rpn_training import RpnTrainer, box_targets
from ezsd.mining.score import OBJECTNESS
from ezsd.pipeline.device import choose_device, loader_workers
from ezsd.pipeline.interrupt import stop_on_signal
from ezsd.pipeline.jobs.miners import Miner, MiningInputs
from ezsd.pipeline.models.backbone import BackboneSource
from ezsd.pipeline.params import MineRpnParams, Params, RunParams
from ezsd.training.config import ExampleConfig
from ezsd.training.dataset import BatchPlan, Example, TrainSet, load_batches
from ezsd.training.determinism import deterministic
from ezsd.training.schedule import Schedule, schedule_in_epochs
from ezsd.training.targets import CachedTargets

WEIGHTS = "rpn.safetensors"
CHECKPOINT = "checkpoint.safetensors"
"""What an interrupted training leaves to resume from; a finished one removes it."""
CHECKPOINT_SECONDS = 60.0

_MEND = "run: ezsd-cli precompute --only mine --force"


def external_inputs(params: Params, root: Path) -> dict[str, Any]:
    """Digest of the backbone's weights, where they are a file."""
    return _backbone(params.mine.rpn, root).digest()


@dataclass(frozen=True)
class RpnSource:
    """The network's miner, by the file with its trained weights."""

    weights: Path
    config: RegionProposerConfig
    run: RunParams
    score: str = OBJECTNESS
    scored_enlarge: None = None

    def load(self) -> Miner:
        """The miner. Raises ArtifactError when the weights are missing or damaged."""
        network = RegionProposer(self.config)
        network.load_state_dict(_read(self.weights))
        return RpnMiner(network.eval().to(choose_device(self.run)))


def prepare_miner(inputs: MiningInputs) -> RpnSource:
    """The miner with its network trained, now unless an earlier run has done it."""
    params, path = inputs.context.params, inputs.context.folder / WEIGHTS
    if not path.is_file():
        with deterministic():
            trained = _train(inputs).cpu()
        write_bytes_atomic(path, save(trained.state_dict()))
    remove_file(path.with_name(CHECKPOINT))
    return RpnSource(path, params.mine.rpn, params.run)


def _train(inputs: MiningInputs) -> RegionProposer:
    """The network after its last step; Ctrl-C leaves a checkpoint."""
    params, rows = inputs.context.params.mine.rpn, _rows_with_objects(inputs)
    schedule = schedule_in_epochs(params.schedule, len(rows))
    trainer = RpnTrainer(_new_network(inputs))
    checkpoint = _Checkpoint(inputs.context.folder / CHECKPOINT, trainer)
    checkpoint.restore()
    losses = trainer.train(_batches(inputs, rows, trainer.steps, schedule), schedule)
    shown = inputs.context.progress(schedule.steps, "steps", trainer.steps, "mine: train proposal network")
    with shown as progress, stop_on_signal() as stop:
        for loss in losses:
            progress.say(f"loss {loss:.3f}")
            progress.advance(1, images=params.schedule.images_per_step)
            if stop.asked or checkpoint.is_due():
                checkpoint.save()
            if stop.asked:
                raise KeyboardInterrupt
    return trainer.network


class _Checkpoint:
    """The file from which an interrupted training goes on."""

    def __init__(self, path: Path, trainer: RpnTrainer) -> None:
        self._path, self._trainer, self._saved = path, trainer, time.monotonic()

    def restore(self) -> None:
        if self._path.is_file():
            self._trainer.restore(_read(self._path))

    def is_due(self) -> bool:
        return time.monotonic() - self._saved >= CHECKPOINT_SECONDS

    def save(self) -> None:
        write_bytes_atomic(self._path, save(self._trainer.tensors()))
        self._saved = time.monotonic()


def _new_network(inputs: MiningInputs) -> RegionProposer:
    params = inputs.context.params
    torch.manual_seed(params.mine.rpn.seed)
    network = RegionProposer(params.mine.rpn)
    _backbone(params.mine.rpn, inputs.context.root).load_into(network.backbone)
    return network.to(choose_device(params.run))


def _backbone(params: MineRpnParams, root: Path) -> BackboneSource:
    return BackboneSource(params.backbone, params.backbone_weights, root, "mine.rpn.backbone_weights")


def _rows_with_objects(inputs: MiningInputs) -> np.ndarray:
    """Rows of the photos with a base box that is no crowd region: the others have nothing to teach."""
    boxes = inputs.prepared.train.boxes
    row_of_box = np.repeat(np.arange(len(inputs.prepared.train)), np.diff(boxes.offsets))
    return np.unique(row_of_box[~boxes.crowd])


def _batches(
    inputs: MiningInputs, rows: np.ndarray, first_step: int, schedule: Schedule
) -> DataLoader[list[Example]]:
    params, index = inputs.context.params.mine.rpn, inputs.prepared.train

    def read_photo(row: int) -> Tensor:
        width, height = index.photos.sizes_wh[row].tolist()
        return inputs.photos.decode(index.photos.file_names[row], (width, height))

    def read_targets(row: int) -> CachedTargets:
        boxes = index.boxes_of(row)
        return box_targets(torch.from_numpy(boxes.boxes_xyxy[~boxes.crowd]))

    plan = BatchPlan(
        order=partial(_order, rows, params.seed),
        images_per_step=params.schedule.images_per_step,
        first_step=first_step,
        steps=schedule.steps,
        micro_batches=1,
        seed=params.seed,
    )
    examples = ExampleConfig(proposals_per_image=0, short_sides=(params.short_side,))
    train_set = TrainSet(read_photo, read_targets, examples)
    return load_batches(train_set, plan, loader_workers(choose_device(inputs.context.params.run)))


def _order(rows: np.ndarray, seed: int, epoch: int) -> list[int]:
    order: list[int] = np.random.default_rng((seed, epoch)).permutation(rows).tolist()
    return order


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path} is missing or damaged; {_MEND}") from error
