"""The labelled boxes that re-normalization learns from and measures on, photo by photo."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD_A_THREAD = 2
"""Results that wait, or are being made, for each thread: what memory holds."""

Crops = Callable[[int], Tensor]


@dataclass(frozen=True)
class LabelledCrops:
    """Base boxes of photos that have at least one.

    Args:
        labels: for each photo, int64 `(n,)`, index into the base names.
        relative_areas: for each photo, float32 `(n,)`, box area / photo area.
        crops: photo number to its uint8 `(n, 3, S, S)` crops; may be called from several threads.
        threads: that cut crops while the teacher looks at earlier ones.
    """

    labels: Sequence[Tensor]
    relative_areas: Sequence[Tensor]
    crops: Crops
    threads: int = 1

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, boxes: int, seed: int) -> list[int]:
        """Photos in random order until they hold at least `boxes` boxes, or all, in ascending order."""
        generator = torch.Generator().manual_seed(seed)
        chosen: list[int] = []
        total = 0
        for photo in torch.randperm(len(self), generator=generator).tolist():
            if total >= boxes:
                break
            chosen.append(photo)
            total += len(self.labels[photo])
        return sorted(chosen)

    def ahead(self, photos: Sequence[int]) -> Generator[Tensor, None, None]:
        """The crops of each photo, in this order, cut before they are asked for."""
        return compute_ahead(self.crops, photos, self.threads)

    def batches(self, photos: Sequence[int], size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Crops `(n, 3, S, S)` and labels `(n,)` of whole photos, at least `size` boxes together."""
        crops: list[Tensor] = []
        labels: list[Tensor] = []
        for photo, own in zip(photos, self.ahead(photos), strict=True):
            crops.append(own)
            labels.append(self.labels[photo])
            if sum(map(len, labels)) >= size:
                yield torch.cat(crops), torch.cat(labels)
                crops, labels = [], []
        if crops:
            yield torch.cat(crops), torch.cat(labels)


class RememberedCrops:
    """Keeps the crops of the photos cut first, up to a limit, so that epochs need not decode them again.

    Several threads may ask at once.

    Args:
        cut: photo number to its uint8 crops.
        max_bytes: what may be kept.
    """

    def __init__(self, cut: Crops, max_bytes: int) -> None:
        self._cut = cut
        self._room = max_bytes
        self._kept: dict[int, Tensor] = {}
        self._keeping = Lock()

    def __call__(self, photo: int) -> Tensor:
        """uint8 `(n, 3, S, S)`"""
        if photo in self._kept:
            return self._kept[photo]
        crops = self._cut(photo)
        with self._keeping:
            if photo not in self._kept and crops.nbytes <= self._room:
                self._room -= crops.nbytes
                self._kept[photo] = crops
        return crops


def compute_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result, None, None]:
    """`function` of each item, in the order of the items, begun while earlier results are still in use.

    function: called from other threads, several at once; what it raises comes out in its item's place.
    A caller that stops early closes the iterator; what was begun is then finished and thrown away.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > AHEAD_A_THREAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
