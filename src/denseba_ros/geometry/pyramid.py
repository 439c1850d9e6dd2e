"""Image pyramids with gradients, and bilinear sampling of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def with_gradients(image: Tensor) -> Tensor:
    """Stack brightness and its central differences: (B, 1, H, W) -> (B, 3, H, W), per pixel."""
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    gx = 0.5 * (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2])
    gy = 0.5 * (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1])
    return torch.cat([image, gx, gy], 1)


def build_pyramid(image: Tensor, levels: int, plain: int = 0) -> list[Tensor]:
    """Pyramid of (1, 1, H, W): ``levels`` tensors (1, 3, H >> l, W >> l) with gradients; the
    finest ``plain`` of them (1, 1, H >> l, W >> l) without."""
    out = []
    for level in range(levels):
        if level > 0:
            image = F.avg_pool2d(image, 2)
        out.append(image if level < plain else with_gradients(image))
    return out


def sample(image: Tensor, pixels: Tensor) -> Tensor:
    """Bilinear values of (B, C, H, W) at pixels (B, M, 2) as (B, C, M); border values outside."""
    h, w = image.shape[-2:]
    # Numbers, not a tensor of them: copying those to a GPU would wait for it.
    x, y = pixels.unbind(-1)
    grid = torch.stack([(2 * x + 1) / w - 1, (2 * y + 1) / h - 1], -1)
    out = F.grid_sample(
        image, grid[:, None], mode="bilinear", padding_mode="border", align_corners=False
    )
    return out[:, :, 0]


def inside(pixels: Tensor, width: int, height: int, border: float) -> Tensor:
    """Whether pixels (..., 2) lie at least ``border`` pixels inside the image."""
    x, y = pixels.unbind(-1)
    return (x >= border) & (x <= width - 1 - border) & (y >= border) & (y <= height - 1 - border)
