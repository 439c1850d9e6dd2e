"""Correlation of every cell of a feature map with the cells around the same cell of another.

The correlation layer of Dosovitskiy et al., "FlowNet", ICCV 2015, and the position of its peak.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def local_correlation(one: Tensor, other: Tensor, radius: int) -> Tensor:
    """Correlation volume (B, (2 radius + 1)^2, h, w) of features (B, C, h, w): mean product of
    ``one`` at a cell with ``other`` at that cell moved by (dy, dx), row by row; 0 outside.

    Raises:
        ValueError: when the features differ in shape or are not four-dimensional.
    """
    if one.shape != other.shape or one.ndim != 4:
        raise ValueError(f"features {tuple(one.shape)} and {tuple(other.shape)} differ in shape")
    b, c, h, w = one.shape
    side = 2 * radius + 1
    rows = one.permute(0, 2, 3, 1).reshape(b * h, w, c)
    padded = F.pad(other, (radius, radius, radius, radius)).permute(0, 2, 1, 3)
    # Products of a row with a whole row, of which a band is kept: faster than cell by cell.
    x = torch.arange(w, device=one.device)[:, None] + torch.arange(side, device=one.device)
    band = x.expand(b * h, w, side)
    products = []
    for y in range(side):
        across = padded[:, y : y + h].reshape(b * h, c, w + 2 * radius)
        products.append((rows @ across).gather(2, band))
    correlation = torch.stack(products, -2).reshape(b, h, w, side * side) / c
    return correlation.permute(0, 3, 1, 2)


def soft_argmax(correlation: Tensor, sharpness: Tensor) -> Tensor:
    """Peak (B, 2, h, w) (x, y) in cells of a ``local_correlation``, with subcell precision.

    The mean displacement with weights softmax(``sharpness`` times ``correlation``): Kendall et al.,
    "End-to-end learning of geometry and context for deep stereo regression", ICCV 2017.
    """
    b, channels, h, w = correlation.shape
    side = math.isqrt(channels)
    weight = torch.softmax(sharpness * correlation, 1).reshape(b, side, side, h, w)
    offset = torch.arange(side, dtype=correlation.dtype, device=correlation.device) - side // 2
    across = torch.einsum("byxhw,x->bhw", weight, offset)
    down = torch.einsum("byxhw,y->bhw", weight, offset)
    return torch.stack([across, down], 1)
