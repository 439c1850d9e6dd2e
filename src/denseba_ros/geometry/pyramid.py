"""Image pyramids with gradients, and bilinear sampling of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def with_gradients(image: Tensor) -> Tensor:
    """Stack brightness and its central differences: (B, 1, H, W) -> (B, 3, H, W), per pixel."""
    out = image.expand(-1, 3, -1, -1).contiguous()
    _difference(image, out[:, 1:2])
    _difference(image.mT, out[:, 2:].mT)
    return out


def _difference(image: Tensor, out: Tensor) -> None:
    """Write the central differences along the last axis; at the border half the difference to the
    one neighbour."""
    out[..., 1:-1] = 0.5 * (image[..., 2:] - image[..., :-2])
    first, last = image[..., :2], image[..., -2:]
    out[..., 0] = 0.5 * (first[..., -1] - first[..., 0])
    out[..., -1] = 0.5 * (last[..., -1] - last[..., 0])


def build_pyramid(image: Tensor, levels: int, plain: int = 0) -> list[Tensor]:
    """Pyramid of (1, 1, H, W): ``levels`` tensors (1, 3, H >> l, W >> l) with gradients; the
    finest ``plain`` of them (1, 1, H >> l, W >> l) without."""
    out = []
    for level in range(levels):
        if level > 0:
            # Halfway between four pixels: their mean, in a third of avg_pool2d's time on a CPU.
            image = F.interpolate(image, scale_factor=0.5, mode="bilinear")
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
