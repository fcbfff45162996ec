"""Many long tasks in a few local processes that stop, and can be stopped, in good order."""

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

    On Ctrl-C, and when a task fails, the running ones are asked to end by SIGTERM, and waited for.

    Args:
        task: picklable; with one worker it runs in this process.

    Raises:
        PipelineError: the system ended a process.
        Exception: the first that a task raised.
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
                    "the system ended a process, most likely for want of memory: run again with fewer "
                    "(--workers 1); what is finished is kept"
                ) from None
            raise


def _feed(
    pool: ProcessPoolExecutor,
    task: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    on_done: Callable[[Item, Result], None],
) -> None:
    """Never submits more than can run, for what waits in the pool's own queue cannot be called back."""
    waiting = deque(items)
    running: dict[Future[Result], Item] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            item = waiting.popleft()
            running[pool.submit(task, item)] = item
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            on_done(running.pop(future), future.result())


def _begin_worker() -> None:
    """Ctrl-C on the terminal is for the parent alone, which passes it on; a worker ends with it."""
    os.setpgrp()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
