"""`mine.method: rpn`: trains a region proposal network on base boxes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ezsd.cache.folders import remove_file
from ezsd.mining.config import RegionProposerConfig
from ezsd.mining.rpn import RegionProposer, RpnMiner
from ezsd.mining.score import OBJECTNESS
from ezsd.pipeline.device import choose_device
from ezsd.pipeline.jobs.mine import Miner, MiningInputs
from ezsd.pipeline.jobs.training import Training, TrainingRun
from ezsd.pipeline.models.backbone import rpn_backbone
from ezsd.pipeline.params import RunParams
from ezsd.pipeline.tensor_files import CHECKPOINT, read_tensors, write_tensors
from ezsd.training.config import ExampleConfig, StepConfig
from ezsd.training.dataset import TrainSet
from ezsd.training.targets import CachedTargets

WEIGHTS = "rpn.safetensors"
CHECKPOINT_SECONDS = 60.0
FIX = "run ezsd-cli precompute --only mine --force"


@dataclass(frozen=True)
class RpnSource:
    """The miner with a trained region proposal network, loaded from its weights."""

    weights: Path
    config: RegionProposerConfig
    run: RunParams
    score: str = OBJECTNESS
    scored_context_factor: None = None

    def load(self) -> Miner:
        """Load the miner. Raises ArtifactError when the weights are missing or damaged."""
        network = RegionProposer(self.config)
        network.load_state_dict(read_tensors(self.weights, FIX))
        return RpnMiner(network.eval().to(choose_device(self.run)))


def prepare_miner(inputs: MiningInputs) -> RpnSource:
    """Train the network unless an earlier run has, and return the miner."""
    params, path = inputs.context.params, inputs.context.folder / WEIGHTS
    if not path.is_file():
        write_tensors(path, _train(inputs).cpu().state_dict())
    remove_file(path.with_name(CHECKPOINT))
    return RpnSource(path, params.mine.rpn, params.run)


def _train(inputs: MiningInputs) -> RegionProposer:
    """Train the network, on photos with objects only."""
    params, photos = inputs.context.params.mine.rpn, inputs.photos
    rows, network = photos.index.rows_with_objects(), _new_network(inputs)

    def targets(row: int) -> CachedTargets:
        return CachedTargets.of_boxes(photos.objects_xyxy(row))

    examples = ExampleConfig(proposals_per_image=0, short_sides=(params.short_side,))
    run = TrainingRun(
        inputs.context,
        Training(
            section="mine.rpn",
            model=network,
            examples=TrainSet(photos.photo, targets, examples),
            order=partial(_order, rows, params.seed),
            photos=len(rows),
            schedule=params.schedule,
            config=StepConfig(seed=params.seed),
            checkpoint_seconds=CHECKPOINT_SECONDS,
            label="mine: train proposal network",
        ),
    )
    for _ in run.steps():
        pass
    return network


def _new_network(inputs: MiningInputs) -> RegionProposer:
    params = inputs.context.params
    torch.manual_seed(params.mine.rpn.seed)
    network = RegionProposer(params.mine.rpn)
    rpn_backbone(params.mine.rpn, inputs.context.root).load_into(network.backbone)
    return network.to(choose_device(params.run))


def _order(rows: np.ndarray, seed: int, epoch: int) -> list[int]:
    order: list[int] = np.random.default_rng((seed, epoch)).permutation(rows).tolist()
    return order
