"""The depth network for images turned upside down: the same answers, sooner.

The encoder pads the far sides of its features where it halves them (as TensorFlow does), which
takes a padded copy of the largest ones. Padding the near sides alone is what a convolution here
does by itself, and turned by 180 degrees far is near.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from denseba_ros.frontend.depth.depth_network_encoder import SameConv


def turned(network: nn.Module) -> nn.Module:
    """Turn all filters of a network by 180 degrees, in place; for inference.

    Given images whose sides are multiples of 32, turned, and their ``turned_intrinsics``, the
    network says what it said before, turned.
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d):
                setattr(parent, name, _turned(child))
    return network


def turned_intrinsics(intrinsics: Tensor, width: int, height: int) -> Tensor:
    """Intrinsics (B, 4) with which the pixels of a turned image have the rays that they had."""
    fx, fy, cx, cy = intrinsics.unbind(1)
    return torch.stack([-fx, -fy, width - 1 - cx, height - 1 - cy], 1)


@torch.no_grad()
def _turned(conv: nn.Conv2d) -> nn.Conv2d:
    conv.weight.copy_(conv.weight.flip(2, 3))
    if not isinstance(conv, SameConv):
        return conv
    height, width = conv.kernel_size
    plain = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        (height, width),
        (conv.stride[0], conv.stride[1]),
        (height // 2, width // 2),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    plain.load_state_dict(conv.state_dict())
    return plain
