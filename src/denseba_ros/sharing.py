"""Fixed pieces of a compiled loop shared out to threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="denseba")


def share_out(loop: Callable[..., None], pieces: int, *arguments: Any) -> None:
    """Run ``loop(first, last, *arguments)`` over pieces 0 to ``pieces``, which must not touch each
    other's results, in as many threads as torch may use."""
    threads = max(1, min(torch.get_num_threads(), os.cpu_count() or 1, pieces))
    bounds = [pieces * i // threads for i in range(threads + 1)]
    waiting = [
        _pool().submit(loop, first, last, *arguments)
        for first, last in itertools.pairwise(bounds[1:])
    ]
    loop(bounds[0], bounds[1], *arguments)
    for result in waiting:
        result.result()
