"""A depth prior is computed when it is needed, once, and holds up no other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from denseba_ros.frontend.frame import DepthPrior

GRIDS = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)


def test_it_is_computed_once_also_for_two_threads() -> None:
    calls: list[int] = []

    def compute() -> tuple[Tensor, Tensor]:
        calls.append(1)
        return GRIDS

    prior = DepthPrior(compute)
    assert calls == []
    with ThreadPoolExecutor(4) as threads:
        results = [threads.submit(lambda: prior.grids) for _ in range(8)]
    assert all(result.result() is GRIDS for result in results)
    assert calls == [1]


def test_one_that_takes_long_holds_up_no_other() -> None:
    go_on = threading.Event()

    def compute() -> tuple[Tensor, Tensor]:
        assert go_on.wait(20.0)
        return GRIDS

    slow = DepthPrior(compute)
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(lambda: slow.grids)
        try:
            assert DepthPrior.known(*GRIDS).grids == GRIDS
            assert not result.done()
        finally:
            go_on.set()
        assert result.result() is GRIDS
