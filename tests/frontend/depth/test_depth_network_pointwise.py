"""Products of matrices instead of 1 x 1 convolutions give the same depth."""

from __future__ import annotations

import copy

import torch
from torch import nn

from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_encoder import fold_batch_norm
from denseba_ros.frontend.depth.depth_network_pointwise import Pointwise, multiply_pointwise


@torch.no_grad()
def test_the_network_stays_the_same() -> None:
    torch.manual_seed(0)
    network = fold_batch_norm(DepthNetwork().double().eval())
    product = multiply_pointwise(copy.deepcopy(network))
    left = [m for m in product.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert left == []
    assert any(isinstance(m, Pointwise) for m in product.modules())
    image = 255.0 * torch.rand(1, 1, 64, 96, dtype=torch.float64)
    image = image.contiguous(memory_format=torch.channels_last)
    intrinsics = torch.tensor([[90.0, 90.0, 48.0, 32.0]], dtype=torch.float64)
    expected, actual = network(image, intrinsics)[0], product(image, intrinsics)[0]
    torch.testing.assert_close(actual.log_depth, expected.log_depth)
    torch.testing.assert_close(actual.log_sigma, expected.log_sigma)


@torch.no_grad()
def test_a_layer_keeps_channels_last() -> None:
    conv = nn.Conv2d(5, 7, 1)
    image = torch.randn(2, 5, 6, 4).contiguous(memory_format=torch.channels_last)
    out = Pointwise(conv)(image)
    assert out.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(out, conv(image))
