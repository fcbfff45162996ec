"""The order of photos over a training run, and their batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ezsd.training.config import ExampleConfig
from ezsd.training.determinism import derive_seed
from ezsd.training.targets import CachedTargets, draw_example

Example = tuple[Tensor, dict[str, Tensor]]


@dataclass(frozen=True)
class Draw:
    """One showing of a photo.

    Attributes:
        row: of the photo in the index.
        seed: of everything that is drawn at random for it.
    """

    row: int
    seed: int


class TrainSet(Dataset[Example]):
    """Photos with their cached targets, augmented anew in each showing.

    Args:
        read_photo: from a row to the photo, uint8 RGB `(3, H, W)`.
        read_targets: from a row to its cached targets.
        config: what is drawn at random.
    """

    def __init__(
        self,
        read_photo: Callable[[int], Tensor],
        read_targets: Callable[[int], CachedTargets],
        config: ExampleConfig,
    ) -> None:
        self._read_photo, self._read_targets, self._config = read_photo, read_targets, config

    def __getitem__(self, draw: Draw) -> Example:
        return draw_example(self._read_photo(draw.row), self._read_targets(draw.row), self._config, draw.seed)


@dataclass(frozen=True)
class BatchPlan:
    """The draws of each step: slices of one endless sequence of epochs, so that no photo is left over.

    Iterating gives the micro-batches of one process, from `first_step` on.

    Attributes:
        order: from an epoch to the rows that it shows, in order; not empty. Epochs may differ in length.
        images_per_step: over all processes and micro-batches.
        first_step: step to start from.
        steps: steps of the whole run.
        micro_batches: number of parts in which a step is computed.
        seed: of the run.
        rank: of this process, which takes every `world_size`-th image of a step.
        world_size: number of processes.
    """

    order: Callable[[int], Sequence[int]]
    images_per_step: int
    first_step: int
    steps: int
    micro_batches: int
    seed: int
    rank: int = 0
    world_size: int = 1

    def __iter__(self) -> Iterator[list[Draw]]:
        draws = self._draws_from(self.first_step * self.images_per_step)
        for _ in range(self.first_step, self.steps):
            own = list(islice(draws, self.images_per_step))[self.rank :: self.world_size]
            for part in range(self.micro_batches):
                yield own[part :: self.micro_batches]

    def _draws_from(self, first: int) -> Iterator[Draw]:
        """An endless sequence of draws, from number `first` on."""
        rows = islice(chain.from_iterable(map(self.order, count())), first, None)
        return (Draw(int(row), derive_seed(self.seed, place)) for place, row in enumerate(rows, first))

    def __len__(self) -> int:
        return (self.steps - self.first_step) * self.micro_batches


def load_batches(train_set: TrainSet, plan: BatchPlan, workers: int) -> DataLoader[list[Example]]:
    """Read the batches of the plan; with workers, ahead of time in other processes."""
    return DataLoader(train_set, batch_sampler=plan, num_workers=workers, collate_fn=list)  # type: ignore[arg-type]
