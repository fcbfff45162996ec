"""Several processes, started by torchrun, that do one stage's work together.

The first of them leads: it holds the lock, and writes all that is written. The others hear from it whether
there is anything to do, and compute their shares.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ezsd.pipeline.device import choose_device
from ezsd.pipeline.params import RunParams

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

STARTED_BY_TORCHRUN = "TORCHELASTIC_RUN_ID"


@dataclass(frozen=True)
class Processes:
    """All processes of a run, seen from one of them.

    Args:
        rank: of this one, 0 to world_size - 1.
        world_size: how many there are.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def hear_leader(self, said: bool) -> bool:
        """What the leader says; what the others say does not matter."""
        if self.world_size == 1:
            return said
        import torch
        from torch import distributed

        flag = torch.tensor(int(said))
        distributed.broadcast(flag, src=0)
        return bool(flag)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.world_size > 1:
            from torch import distributed

            distributed.barrier()

    def any(self, said: bool) -> bool:
        """Whether at least one of all says so."""
        if self.world_size == 1:
            return said
        import torch
        from torch import distributed

        flag = torch.tensor(int(said))
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)


ALONE = Processes()
"""The one process of a run that torchrun has not started."""


@contextmanager
def join_processes(run: RunParams) -> Iterator[Processes]:
    """Meet the other processes of this run, if torchrun has started it; gloo on CPUs, NCCL between GPUs.

    When one fails, it alone says why, and the others end in silence.

    Raises:
        PipelineError: there are fewer GPUs than processes on this machine.
    """
    if STARTED_BY_TORCHRUN not in os.environ:
        yield ALONE
        return
    import torch
    from torch import distributed
    from torch.distributed.rendezvous import rendezvous

    device = choose_device(run)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    store, rank, world_size = next(iter(rendezvous("env://")))
    with _one_voice(store, rank):
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=rank,
            world_size=world_size,
        )
        yield Processes(rank, world_size)
        distributed.destroy_process_group()


@contextmanager
def _one_voice(store: "Store", rank: int) -> Iterator[None]:
    """Let the error of the process that failed first through; those of the others only follow from it."""
    try:
        yield
    except Exception as error:
        first = store.compare_set("ezsd/failed", "", str(rank)).decode()
        if first != str(rank):
            raise SystemExit(1) from error
        raise
