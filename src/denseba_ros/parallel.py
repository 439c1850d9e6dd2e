"""A compiled loop run in parallel over fixed pieces."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch

_CORES = os.cpu_count() or 1
# Shares of the pieces that a thread gets on average.
_SHARES = 4


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, _CORES - 1), thread_name_prefix="denseba")


def parallel_for(loop: Callable[..., None], pieces: int, *arguments: Any) -> None:
    """Run ``loop(first, last, *arguments)`` over all pieces from 0 to ``pieces`` - 1.

    As many threads as torch may use run it; each takes the next share when it has finished one, as
    pieces differ in their work. The results of different pieces must not overlap in memory.
    """
    threads = max(1, min(torch.get_num_threads(), _CORES, pieces))
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
