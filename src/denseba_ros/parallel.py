"""A compiled loop run in parallel over fixed pieces."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch

_CORES = os.cpu_count() or 1
# Shares of the pieces that a thread gets on average.
_SHARES = 4


# How often a thread that gives way looks whether it may go on, seconds.
_PAUSE = 0.002


class _GivingWay(threading.local):
    """Of each thread: when it gives way (None: never), and for how many seconds at most."""

    is_needed: Callable[[], bool] | None = None
    seconds_left = 0.0

    def wait(self) -> None:
        """Wait while it is needed."""
        while self.is_needed is not None and self.seconds_left > 0.0 and self.is_needed():
            time.sleep(_PAUSE)
            self.seconds_left -= _PAUSE


_giving_way = _GivingWay()


@contextmanager
def giving_way(is_needed: Callable[[], bool], limit: float) -> Iterator[None]:
    """Inside, each ``parallel_for`` and each ``give_way`` of this thread waits first while
    ``is_needed``, all together at most ``limit`` seconds: another thread is more urgent, and gets
    the interpreter for itself."""
    _giving_way.is_needed, _giving_way.seconds_left = is_needed, limit
    try:
        yield
    finally:
        _giving_way.is_needed = None


def give_way() -> None:
    """Wait here, as a ``parallel_for`` would, where this thread is to give way."""
    _giving_way.wait()


class _Threads:
    """How many run a loop; None: as many as torch may use."""

    count: int | None = None


def set_loop_threads(count: int | None) -> None:
    """Let ``count`` threads run a loop; None: as many as torch may use."""
    _Threads.count = count


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, _CORES - 1), thread_name_prefix="denseba")


def parallel_for(loop: Callable[..., None], pieces: int, *arguments: Any) -> None:
    """Run ``loop(first, last, *arguments)`` over all pieces from 0 to ``pieces`` - 1.

    As many threads as ``set_loop_threads`` says run it; each takes the next share when it has
    finished one, as pieces differ in their work. The results of different pieces must not overlap
    in memory.
    """
    _giving_way.wait()
    allowed = torch.get_num_threads() if _Threads.count is None else _Threads.count
    threads = max(1, min(allowed, _CORES, pieces))
    if threads == 1:
        loop(0, pieces, *arguments)
        return
    shares = min(pieces, threads * _SHARES)
    bounds = [pieces * i // shares for i in range(shares + 1)]
    left = iter(list(itertools.pairwise(bounds)))

    def work() -> None:
        # Taking the next of a list is one step of the interpreter, so no two get the same.
        for first, last in left:
            loop(first, last, *arguments)

    waiting = [_pool().submit(work) for _ in range(threads - 1)]
    work()
    for result in waiting:
        result.result()
