"""A running mean of a network's weights, which is better than where the last step left them.

Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.
"""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def average(mean: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Let ``mean`` follow ``network`` after its ``step``-th step: early weights are forgotten
    quickly, late ones with ``decay``. Counters are copied."""
    kept = min(decay, (1 + step) / (10 + step))
    for a, b in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1.0 - kept)
        else:
            a.copy_(b)
