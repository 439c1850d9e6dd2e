import copy

import pytest
import torch

from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_file import DepthWeights
from denseba_ros.frontend.depth.depth_network_model import NetworkDepth, flip_average
from denseba_ros.geometry.calibration import Calibration

CALIBRATION = Calibration(128, 96, 100.0, 100.0, 63.5, 47.5)
CPU = torch.device("cpu")


@pytest.fixture
def weights() -> DepthWeights:
    torch.manual_seed(0)
    network = DepthNetwork()
    # Strong heads, so that images differ.
    for head in network.heads:
        torch.nn.init.normal_(head.weight, std=0.1)
    return DepthWeights(network.eval(), 6144)


@pytest.fixture
def image() -> torch.Tensor:
    return 255.0 * torch.rand(1, 1, 96, 128, generator=torch.Generator().manual_seed(1))


def test_grids_of_the_frontend(weights: DepthWeights, image: torch.Tensor) -> None:
    log_depth, sigma = NetworkDepth(weights, CPU).predict(image, CALIBRATION)
    assert log_depth.shape == sigma.shape == (1, 1, 24, 32)
    assert log_depth.dtype == sigma.dtype == torch.float32
    assert bool((sigma > 0).all())
    assert not log_depth.requires_grad


def test_the_same_image_gives_the_same_depth(weights: DepthWeights, image: torch.Tensor) -> None:
    model = NetworkDepth(weights, CPU)
    assert torch.equal(model.predict(image, CALIBRATION)[0], model.predict(image, CALIBRATION)[0])


@pytest.mark.slow
def test_flip_averaging_of_a_mirrored_image_is_mirrored(
    weights: DepthWeights, image: torch.Tensor
) -> None:
    model = NetworkDepth(weights, CPU, flip=True)
    straight = model.predict(image, CALIBRATION)[0]
    mirrored = model.predict(image.flip(3), CALIBRATION)[0]
    torch.testing.assert_close(mirrored.flip(3), straight, atol=1e-4, rtol=1e-4)
    alone = NetworkDepth(copy.deepcopy(weights), CPU).predict(image, CALIBRATION)[0]
    assert float((alone - straight).abs().max()) > 1e-3


def test_flip_average_ramps_at_the_borders() -> None:
    straight, mirrored = torch.zeros(1, 100), torch.ones(1, 100)
    mean = flip_average(straight, mirrored)[0]
    assert mean[:5].tolist() == [1.0] * 5
    assert mean[-5:].tolist() == [0.0] * 5
    torch.testing.assert_close(mean[10:90], torch.full((80,), 0.5))
    assert bool((mean.diff() <= 0).all())
