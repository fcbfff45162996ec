"""Labelled crops of base boxes, photo by photo: the data of re-normalization."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD_A_THREAD = 2
"""Results per thread that are held in memory, computed or in progress."""

PIECE_BOXES = 256
"""Most crops of a photo that are cut at once: a photo may have thousands of boxes."""


class Piece(NamedTuple):
    """The boxes `start` to `stop` of a photo."""

    photo: int
    start: int
    stop: int


Crops = Callable[[Piece], Tensor]


@dataclass(frozen=True)
class LabelledCrops:
    """Base boxes of the photos that have at least one.

    Attributes:
        labels: of each photo, int64 `(n,)`, index into the base names.
        relative_areas: of each photo, float32 `(n,)`, box area / photo area.
        crops: crops of a piece, uint8 `(n, 3, S, S)`; called from several threads.
        threads: number of threads that cut crops ahead of their use.
    """

    labels: Sequence[Tensor]
    relative_areas: Sequence[Tensor]
    crops: Crops
    threads: int = 1

    def __len__(self) -> int:
        return len(self.labels)

    def sample(self, boxes: int, seed: int) -> list[int]:
        """Random photos with at least `boxes` boxes together, or all photos: numbers in ascending order."""
        generator = torch.Generator().manual_seed(seed)
        chosen: list[int] = []
        total = 0
        for photo in torch.randperm(len(self), generator=generator).tolist():
            if total >= boxes:
                break
            chosen.append(photo)
            total += len(self.labels[photo])
        return sorted(chosen)

    def pieces(self, photos: Sequence[int]) -> list[Piece]:
        """The boxes of these photos, in this order, at most `PIECE_BOXES` in a piece."""
        return [
            Piece(photo, start, min(start + PIECE_BOXES, len(self.labels[photo])))
            for photo in photos
            for start in range(0, len(self.labels[photo]), PIECE_BOXES)
        ]

    def select(self, kept: Sequence[Tensor]) -> "LabelledCrops":
        """Only the boxes that are True in `kept`, bool `(n,)` per photo, and the photos that have one."""
        photos = [photo for photo, own in enumerate(kept) if own.any()]
        return LabelledCrops(
            [self.labels[photo][kept[photo]] for photo in photos],
            [self.relative_areas[photo][kept[photo]] for photo in photos],
            lambda piece: self._cut(photos[piece.photo], kept[photos[piece.photo]], piece),
            self.threads,
        )

    def _cut(self, photo: int, kept: Tensor, piece: Piece) -> Tensor:
        """Crops of those of a photo's kept boxes that `piece` counts."""
        chosen = torch.zeros_like(kept)
        chosen[kept.nonzero()[piece.start : piece.stop, 0]] = True
        own = [(one, chosen[one.start : one.stop]) for one in self.pieces([photo])]
        return torch.cat([self.crops(one)[here] for one, here in own if here.any()])

    def ahead(self, photos: Sequence[int]) -> Generator[Tensor, None, None]:
        """The crops of each of `pieces`, cut ahead of their use."""
        return compute_ahead(self.crops, self.pieces(photos), self.threads)

    def batches(self, photos: Sequence[int], size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of whole pieces with at least `size` boxes: crops `(n, 3, S, S)` and labels `(n,)`."""
        crops: list[Tensor] = []
        labels: list[Tensor] = []
        for piece, own in zip(self.pieces(photos), self.ahead(photos), strict=True):
            crops.append(own)
            labels.append(self.labels[piece.photo][piece.start : piece.stop])
            if sum(map(len, labels)) >= size:
                yield torch.cat(crops), torch.cat(labels)
                crops, labels = [], []
        if crops:
            yield torch.cat(crops), torch.cat(labels)


class RememberedCrops:
    """Keeps crops in memory up to a limit, so that later epochs need not decode the photos again.

    Thread-safe.

    Args:
        cut: crops of a piece, uint8.
        max_bytes: largest total size of the crops that are kept.
    """

    def __init__(self, cut: Crops, max_bytes: int) -> None:
        self._cut = cut
        self._room = max_bytes
        self._kept: dict[Piece, Tensor] = {}
        self._lock = Lock()

    def __call__(self, piece: Piece) -> Tensor:
        """Crops of a piece, uint8 `(n, 3, S, S)`."""
        if piece in self._kept:
            return self._kept[piece]
        crops = self._cut(piece)
        with self._lock:
            if piece not in self._kept and crops.nbytes <= self._room:
                self._room -= crops.nbytes
                self._kept[piece] = crops
        return crops


def regroup(parts: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """The rows of all parts, in groups of `size`; the last may be smaller."""
    waiting: list[Tensor] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= size:
            rows = torch.cat(waiting)
            full = len(rows) // size * size
            yield from rows[:full].split(size)
            waiting = [rows[full:]]
    if any(map(len, waiting)):
        yield torch.cat(waiting)


def compute_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[Result, None, None]:
    """Yield `function(item)` for each item, in order, computed by threads ahead of its use.

    A caller that stops early closes the generator; calls in progress are then finished and discarded.

    Args:
        function: called from several threads; an exception is raised in its item's turn.
        items: arguments.
        threads: number of threads.
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
