import copy

import pytest
import torch

from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_encoder import fold_batch_norm
from denseba_ros.frontend.depth.depth_network_rot180 import rotate_filters, rotated_intrinsics


@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 160)])
@pytest.mark.slow
def test_a_rotated_network_predicts_the_rotated_depth(height: int, width: int) -> None:
    torch.manual_seed(0)
    network = DepthNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    for head in network.heads:
        torch.nn.init.normal_(head.weight, std=0.1)
    network.eval()
    image = 255.0 * torch.rand(1, 1, height, width)
    # The axis away from the middle, so that rays that are not turned would be seen.
    intrinsics = torch.tensor([[80.0, 90.0, 0.3 * width, 0.6 * height]])
    other = rotate_filters(fold_batch_norm(copy.deepcopy(network)))
    with torch.no_grad():
        expected = network(image, intrinsics)[0]
        output = other(image.flip(2, 3), rotated_intrinsics(intrinsics, width, height))[0]
        unturned = other(image.flip(2, 3), intrinsics)[0]
    for name in ("log_depth", "log_sigma"):
        here, there = getattr(output, name).flip(2, 3), getattr(expected, name)
        torch.testing.assert_close(here, there, atol=1e-4, rtol=1e-4)
        assert float(there.std()) > 0.01
    off = unturned.log_depth.flip(2, 3) - expected.log_depth
    assert float(off.abs().max()) > 1e-3
