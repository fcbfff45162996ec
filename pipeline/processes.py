"""Several processes, started by torchrun, that work on one stage together.

Rank 0 is the leader: it holds the lock and writes all files. It tells the others whether there is work to do,
and they compute their shares.
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

    Attributes:
        rank: of this process, 0 to world_size - 1.
        world_size: number of processes.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the leader, which writes all files."""
        return self.rank == 0

    def broadcast(self, value: bool) -> bool:
        """Return the leader's value in every process; other values are ignored."""
        if self.world_size == 1:
            return value
        import torch
        from torch import distributed

        flag = torch.tensor(int(value))
        distributed.broadcast(flag, src=0)
        return bool(flag)

    def wait(self) -> None:
        """Block until all processes have called this."""
        if self.world_size > 1:
            from torch import distributed

            distributed.barrier()

    def any(self, value: bool) -> bool:
        """Whether the value is true in at least one process."""
        if self.world_size == 1:
            return value
        import torch
        from torch import distributed

        flag = torch.tensor(int(value))
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)


ALONE = Processes()
"""A run without torchrun: one process."""


@contextmanager
def join_processes(run: RunParams) -> Iterator[Processes]:
    """Join the other processes of a run that torchrun started; gloo on CPUs, NCCL on GPUs.

    When a process fails, only it reports the error; the others exit without a message.

    Raises:
        PipelineError: this machine has fewer GPUs than processes.
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
    with _first_error_only(store, rank):
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            store=store,
            rank=rank,
            world_size=world_size,
        )
        yield Processes(rank, world_size)
        distributed.destroy_process_group()


@contextmanager
def _first_error_only(store: "Store", rank: int) -> Iterator[None]:
    """Raise the error of the process that failed first; errors of the others only follow from it."""
    try:
        yield
    except Exception as error:
        first = store.compare_set("ezsd/failed", "", str(rank)).decode()
        if first != str(rank):
            raise SystemExit(1) from error
        raise
