"""Rays through the cells of a feature map: input channels that give a network the intrinsics."""

from __future__ import annotations

import torch
from torch import Tensor


def cell_rays(intrinsics: Tensor, cells: torch.Size, image: torch.Size) -> Tensor:
    """Slopes (x/z, y/z) (B, 2, h, w) of the rays through the centres of the ``cells`` (h, w) of an
    ``image`` (H, W) with ``intrinsics`` (B, 4) fx, fy, cx, cy."""
    fx, fy, cx, cy = intrinsics[:, :, None, None].unbind(1)
    h, w = cells
    down, across = image[0] / h, image[1] / w
    y = (torch.arange(h, device=intrinsics.device) + 0.5)[None, :, None] * down - 0.5
    x = (torch.arange(w, device=intrinsics.device) + 0.5)[None, None, :] * across - 0.5
    shape = (len(intrinsics), h, w)
    return torch.stack([((x - cx) / fx).expand(shape), ((y - cy) / fy).expand(shape)], 1)
