"""Initial weights of a network from a seed, without a trace in torch's global generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Layers that are made inside draw their initial weights by ``seed``, on the CPU.

    Layers take no generator of their own, so the global one is seeded here and put back at the end.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
