"""Runs numbered shards: in this process, in local worker processes, or on any Dask scheduler.

Each shard is computed by the same code with one torch thread, so its bytes do not depend on the number of
workers or on which of them computed it.
"""

import importlib.util
import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from multiprocessing import resource_tracker
from typing import Any

import dask
import torch
from dask.distributed import Client, Future, KilledWorker, LocalCluster, as_completed, get_worker
from distributed.comm.core import CommClosedError

from ezsd.pipeline.device import count_workers, keep_freed_memory, one_thread
from ezsd.pipeline.errors import PipelineError
from ezsd.pipeline.params import RunParams

Task = Callable[[int], dict[str, float]]
"""Computes and publishes one shard; returns tallies whose rates are shown, such as `{"forwards": 9000}`."""

OnDone = Callable[[int, dict[str, float], str], None]
"""Called for each finished shard with its number, its tallies and the worker's name."""

THIS_PROCESS = "this process"

POLL_SECONDS, CHECK_SECONDS = 0.02, 2.0
"""Seconds between two checks for finished shards, and for workers while no shard finishes."""

PATIENCE_SECONDS = 600.0
"""Seconds that a run waits for a worker."""

_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}
"""Dask's default without MALLOC_TRIM_THRESHOLD_, which makes each large tensor request fresh pages."""


def run_shards(task: Task, shards: Sequence[int], run: RunParams, on_done: OnDone) -> None:
    """Run `task(shard)` for all shards and call `on_done` as each finishes.

    Prints the address of Dask's dashboard, if there is one, on standard error.

    Raises:
        PipelineError: a shard killed several workers, the scheduler is gone, or no worker appeared in time.
        Exception: the first error that a task raised; the other tasks are cancelled.
    """
    if not shards:
        return
    workers = min(count_workers(run), len(shards))
    if workers == 1 and run.scheduler is None:
        for shard in shards:
            on_done(shard, run_on_one_thread(task, shard), THIS_PROCESS)
        return
    with _client(run, workers) as client, _report_lost_scheduler(client):
        if address := find_dashboard(client):
            print(f"Dask's dashboard: {address}", file=sys.stderr, flush=True)
        _run_on_dask(client, task, shards, on_done)


@contextmanager
def _report_lost_scheduler(client: Client) -> Iterator[None]:
    """Turn the errors of a lost scheduler into a PipelineError."""
    try:
        yield
    except (CancelledError, OSError) as error:
        own = isinstance(error, OSError) and not isinstance(error, CommClosedError)
        if own and client.status == "running":
            raise  # the task's own error
        raise PipelineError(
            "the Dask scheduler is gone: start it and its workers and run again; finished shards are kept"
        ) from None


@contextmanager
def keep_workers() -> Iterator[None]:
    """Reuse local workers between calls of `run_shards` within the context.

    Starting workers takes seconds; kept workers hold the memory of what they loaded until the end.
    """
    with ExitStack() as started:
        token = _kept.set(_KeptWorkers(started))
        try:
            yield
        finally:
            _kept.reset(token)


class _KeptWorkers:
    """Local workers, started on first use, and their client."""

    def __init__(self, started: ExitStack) -> None:
        self._started = started
        self._client: Client | None = None
        self._workers = 0

    def client(self, workers: int) -> Client:
        """Client of at least `workers` workers."""
        if self._client is None or self._workers < workers:
            self._started.close()
            self._client, self._workers = self._started.enter_context(_local_client(workers)), workers
        return self._client


_kept: ContextVar[_KeptWorkers | None] = ContextVar("kept workers", default=None)


def run_on_one_thread(task: Task, shard: int) -> dict[str, float]:
    """Run one shard with one torch thread."""
    with one_thread():
        return task(shard)


def find_dashboard(client: Client) -> str | None:
    """Address of the dashboard, or None if the scheduler lacks bokeh, which the dashboard needs."""
    shows = client.run_on_scheduler(lambda: importlib.util.find_spec("bokeh") is not None)
    return client.dashboard_link if shows else None


def _run_on_worker(task: Task, shard: int) -> tuple[dict[str, float], str]:
    _choose_gpu()
    keep_freed_memory()
    return run_on_one_thread(task, shard), str(get_worker().name)


def _choose_gpu() -> None:
    """Spread the workers of one machine over its GPUs."""
    gpus = torch.cuda.device_count()
    if gpus > 1:
        name = str(get_worker().name)
        torch.cuda.set_device((int(name) if name.isdigit() else os.getpid()) % gpus)


@contextmanager
def _client(run: RunParams, workers: int) -> Iterator[Client]:
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if run.scheduler is not None:
        try:
            client = Client(run.scheduler, timeout="20s")
        except (OSError, ValueError) as error:
            raise PipelineError(
                f"no Dask scheduler answers at {run.scheduler} ({error}): start one with `dask scheduler`, "
                "or leave run.scheduler empty to work on this machine"
            ) from None
        with client:
            yield client
    elif (kept := _kept.get()) is not None:
        yield kept.client(workers)
    else:
        with _local_client(workers) as client:
            yield client


@contextmanager
def _local_client(workers: int) -> Iterator[Client]:
    with dask.config.set({"distributed.nanny.pre-spawn-environ": _WORKER_ENVIRONMENT}):
        with _interrupt_blocked():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=None,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Let threads and processes that start within the context never see Ctrl-C.

    A terminal sends it to workers too, which print tracebacks; it is this process that stops them.
    """
    resource_tracker.ensure_running()  # when this starts it unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_on_dask(client: Client, task: Task, shards: Sequence[int], on_done: OnDone) -> None:
    # the task is sent with each shard: scattered data are lost with the last worker that holds them
    call = uuid.uuid4().hex
    futures = {
        client.submit(_run_on_worker, task, shard, pure=False, retries=0, key=f"shard-{shard}-{call}"): shard
        for shard in shards
    }
    try:
        for future in _as_done(client, list(futures)):
            on_done(futures[future], *_result(future, futures[future]))
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.cancel(list(futures), force=True)


def _as_done(client: Client, futures: Sequence[Future]) -> Iterator[Future]:
    """Yield futures as they finish; raises PipelineError if no worker appears in time."""
    done, workers = as_completed(futures), _Workers(client)
    while done.count():
        ready = done.next_batch(block=False)
        yield from ready
        if not ready:
            workers.require()
            time.sleep(POLL_SECONDS)


class _Workers:
    """Checks from time to time whether the scheduler has any worker."""

    def __init__(self, client: Client) -> None:
        self._client, self._address = client, client.scheduler.address
        self._checked = self._present = time.monotonic()
        self._warned = False

    def require(self) -> None:
        """Warn when there is no worker; raise PipelineError after `PATIENCE_SECONDS` without one."""
        now = time.monotonic()
        if now - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        start = f"start one with `dask worker {self._address}`"
        if self._client.status != "running" or self._client.nthreads():
            self._present, self._warned = now, False
        elif now - self._present > PATIENCE_SECONDS:
            raise PipelineError(
                f"{self._address} has had no worker for {PATIENCE_SECONDS:.0f} seconds: {start} and run "
                "again; finished shards are kept"
            )
        elif not self._warned:
            print(f"waiting: {self._address} has no worker, {start}", file=sys.stderr, flush=True)
            self._warned = True


def _result(future: Any, shard: int) -> tuple[dict[str, float], str]:
    try:
        done: tuple[dict[str, float], str] = future.result()
        return done
    except KilledWorker:
        raise PipelineError(
            f"shard {shard} ended {_allowed_failures()} workers, probably because memory ran out: run again "
            "with fewer workers (--set run.workers=1); finished shards are kept"
        ) from None


def _allowed_failures() -> int:
    return int(dask.config.get("distributed.scheduler.allowed-failures", 3)) + 1
