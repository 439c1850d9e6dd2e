"""Zncc of every cell of one feature map with the cells around the same place of another.

The correlation layer of Dosovitskiy et al., "FlowNet", ICCV 2015, and where its peak is.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def local_correlation(one: Tensor, other: Tensor, radius: int) -> Tensor:
    """(B, (2 radius + 1)^2, h, w) from features (B, C, h, w): the mean product of ``one`` at a cell
    with ``other`` at that cell moved by (dy, dx), row by row; 0 where that lies outside.

    Raises:
        ValueError: when the features differ in shape.
    """
    if one.shape != other.shape or one.ndim != 4:
        raise ValueError(f"features {tuple(one.shape)} and {tuple(other.shape)} are not alike")
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
    zncc = torch.stack(products, -2).reshape(b, h, w, side * side) / c
    return zncc.permute(0, 3, 1, 2)


def mean_move(zncc: Tensor, sharpness: Tensor) -> Tensor:
    """Moves (B, 2, h, w) (x, y) in cells, weighted by softmax(``sharpness`` times ``zncc``):
    the peak of a ``local_correlation``, between the cells as well (soft arg max: Kendall et al.,
    "End-to-end learning of geometry and context for deep stereo regression", ICCV 2017)."""
    b, channels, h, w = zncc.shape
    side = math.isqrt(channels)
    weight = torch.softmax(sharpness * zncc, 1).reshape(b, side, side, h, w)
    move = torch.arange(side, dtype=zncc.dtype, device=zncc.device) - side // 2
    across = torch.einsum("byxhw,x->bhw", weight, move)
    down = torch.einsum("byxhw,y->bhw", weight, move)
    return torch.stack([across, down], 1)
