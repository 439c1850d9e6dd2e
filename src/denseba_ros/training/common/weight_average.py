"""Exponential moving average of a network's weights, which generalises better than the last ones.

Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def average(mean: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Update ``mean`` with ``network`` after its ``step``-th step, in place: the decay is small in
    early steps and rises to ``decay``. Integer buffers are copied."""
    kept = min(decay, (1 + step) / (10 + step))
    for a, b in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1.0 - kept)
        else:
            a.copy_(b)
