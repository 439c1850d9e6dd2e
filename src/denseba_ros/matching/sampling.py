"""Minimal samples drawn by weight, through which the weights can be trained."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_samples(
    logits: Tensor, count: int, size: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """``count`` samples of ``size`` different matches for each of P pairs, by ``logits`` (P, N).

    The largest logits after Gumbel noise are a draw without replacement (Kool, van Hoof, Welling,
    "Stochastic beams and where to find them", ICML 2019). Straight-through estimator of Wei et
    al., "Generalized differentiable RANSAC", ICCV 2023: ``factor`` is one everywhere, and its
    gradient is that of the softmax; multiply what was drawn with it.

    Returns:
        Indices (P, count, size) of the matches and the factor (P, count, size).
    """
    shape = (logits.shape[0], count, logits.shape[1])
    uniform = torch.rand(shape, dtype=logits.dtype, device=logits.device, generator=generator)
    noise = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))
    noisy = logits[:, None] + noise
    index = noisy.topk(size, dim=-1).indices
    share = torch.softmax(noisy, -1).gather(-1, index)
    return index, 1.0 + share - share.detach()


def take(values: Tensor, index: Tensor) -> Tensor:
    """Values (P, N, C) at ``index`` (P, S, k) as (P, S, k, C)."""
    p, s, k = index.shape
    flat = index.reshape(p, s * k, 1).expand(-1, -1, values.shape[-1])
    return values.gather(1, flat).reshape(p, s, k, -1)
