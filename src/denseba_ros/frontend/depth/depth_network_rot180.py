"""The depth network for images rotated by 180 degrees: the same depth in less time.

Where the encoder halves its features it pads their far sides (as TensorFlow does), which takes a
padded copy of the largest ones. Padding of the near sides needs no copy in PyTorch, and after a
rotation by 180 degrees the far sides are the near ones.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from denseba_ros.frontend.depth.depth_network_encoder import SameConv


def rotate_filters(network: nn.Module) -> nn.Module:
    """Rotate all filters of a network by 180 degrees, in place; for inference.

    From rotated images whose sides are multiples of 32, with ``rotated_intrinsics``, the network
    then predicts the rotated depth.
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Conv2d):
                setattr(parent, name, _rotated(child))
    return network


def rotated_intrinsics(intrinsics: Tensor, width: int, height: int) -> Tensor:
    """Intrinsics (B, 4) fx, fy, cx, cy that give the pixels of a rotated image the same rays as
    before; ``width`` and ``height`` in pixels."""
    fx, fy, cx, cy = intrinsics.unbind(1)
    return torch.stack([-fx, -fy, width - 1 - cx, height - 1 - cy], 1)


@torch.no_grad()
def _rotated(conv: nn.Conv2d) -> nn.Conv2d:
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
