"""Long tasks in a few local processes that end cleanly, also when interrupted."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from ezsd.pipeline.errors import PipelineError

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    task: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[Item, Result], None],
) -> None:
    """Run `task(item)` for all items, in their order, and call `on_done(item, result)` as each ends.

    On Ctrl-C, and when a task fails, the running ones get SIGTERM and are waited for.

    Args:
        task: picklable; with one worker it runs in this process.

    Raises:
        PipelineError: the system killed a process.
        Exception: the first one raised by a task.
    """
    if workers == 1:
        for item in items:
            on_done(item, task(item))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        try:
            _feed(pool, task, items, workers, on_done)
        except BaseException as error:
            for child in multiprocessing.active_children():
                child.terminate()
            if isinstance(error, BrokenProcessPool):
                raise PipelineError(
                    "the system killed a process, most likely out of memory: run again with fewer "
                    "(--workers 1); finished runs are kept"
                ) from None
            raise


def _feed(
    pool: ProcessPoolExecutor,
    task: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[Item, Result], None],
) -> None:
    """Submit no more than can run at once, since tasks in the pool's own queue cannot be cancelled."""
    waiting = deque(items)
    running: dict[Future[Result], Item] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            item = waiting.popleft()
            running[pool.submit(task, item)] = item
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            on_done(running.pop(future), future.result())


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, which passes it on, and end with the parent."""
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
