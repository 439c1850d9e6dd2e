"""Convolutions by 1 x 1 filters as matrix products, for inference on a CPU.

Images in channels-last order are matrices of pixels by channels already. A library's convolution
spends as long on spreading the bias over the pixels as on the product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Pointwise(nn.Module):
    """What ``conv``, of 1 x 1 filters with bias, does to channels-last images."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        assert conv.bias is not None
        self.weight = nn.Parameter(conv.weight.detach()[:, :, 0, 0].T.contiguous())
        self.bias = nn.Parameter(conv.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, inputs, h, w) to (B, outputs, h, w), both channels-last."""
        pixels = x.permute(0, 2, 3, 1)
        product = torch.mm(pixels.flatten(0, 2), self.weight).add_(self.bias)
        return product.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)


def multiply_pointwise(network: nn.Module) -> nn.Module:
    """Replace every convolution by 1 x 1 filters, in place; batch normalisation is folded in."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and child.kernel_size == (1, 1):
                setattr(parent, name, Pointwise(child))
    return network
