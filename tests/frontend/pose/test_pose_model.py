"""The pose network one image at a time, as the node runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.pose.pose_convention import motion_matrix, optical_from_ned
from denseba_ros.frontend.pose.pose_model import NetworkPose, NoPose, make_pose_model
from denseba_ros.frontend.pose.pose_network import PoseNetwork
from denseba_ros.frontend.pose.pose_network_file import PoseWeights, load_pose, save_pose
from denseba_ros.geometry.calibration import Calibration

CAMERA = Calibration(96, 64, 80.0, 80.0, 47.5, 31.5)
CPU = torch.device("cpu")


@pytest.fixture
def network() -> PoseNetwork:
    torch.manual_seed(3)
    made = PoseNetwork().eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def _images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 1, 64, 96), generator=generator).float()


@torch.no_grad()
def test_step_by_step_equals_the_batch(network: PoseNetwork) -> None:
    images = _images(6)
    model = NetworkPose(PoseWeights(network, (96, 64)), CPU)
    steps = [model.step(image[None], CAMERA) for image in images]
    assert steps[0] is None
    intrinsics = torch.tensor([80.0, 80.0, 47.5, 31.5]).expand(1, 5, 4)
    first = torch.zeros(1, 5, dtype=torch.bool)
    output, _ = network(images[None], intrinsics, first, network.initial_state(1))
    T = motion_matrix(output.quaternion, output.translation)[0].double()
    for k, motion in enumerate(steps[1:]):
        assert motion is not None
        torch.testing.assert_close(motion.T_previous_current, T[k], atol=1e-5, rtol=0.0)
        torch.testing.assert_close(
            motion.covariance, output.covariance[0, k].double(), atol=0.0, rtol=1e-4
        )
    assert float((T[0] - T[1]).abs().max()) > 1e-3


def test_a_reset_forgets(network: PoseNetwork) -> None:
    model = NetworkPose(PoseWeights(network, (48, 32)), CPU)
    images = _images(3)
    before = [model.step(image[None], CAMERA) for image in images]
    model.reset()
    again = [model.step(image[None], CAMERA) for image in images]
    assert before[0] is None
    assert again[0] is None
    for a, b in zip(before[1:], again[1:], strict=True):
        assert a is not None
        assert b is not None
        assert torch.equal(a.T_previous_current, b.T_previous_current)


@torch.no_grad()
def test_a_network_of_ned_axes_gives_optical_ones(network: PoseNetwork) -> None:
    images = _images(2)
    motions, outputs = [], []
    for ned in (False, True):
        network.ned = ned
        model = NetworkPose(PoseWeights(network, (96, 64)), CPU)
        motions.append([model.step(image[None], CAMERA) for image in images][1])
        intrinsics = torch.tensor([[[80.0, 80.0, 47.5, 31.5]]])
        first = torch.zeros(1, 1, dtype=torch.bool)
        outputs.append(network(images[None], intrinsics, first, network.initial_state(1))[0])
    optical, turned = motions
    assert optical is not None
    assert turned is not None
    # The same motion, whatever axes the network says it in.
    torch.testing.assert_close(turned.T_previous_current, optical.T_previous_current)
    torch.testing.assert_close(turned.covariance, optical.covariance)
    said, along_ned = (motion_matrix(o.quaternion, o.translation)[0, 0] for o in outputs)
    torch.testing.assert_close(optical_from_ned(along_ned), said)
    # NED x (forward) is the optical z.
    sigmas, of_ned = (o.log_sigma[0, 0] for o in outputs)
    torch.testing.assert_close(sigmas[[2, 0, 1, 5, 3, 4]], of_ned)


def test_weights_come_back_from_their_file(network: PoseNetwork, tmp_path: Path) -> None:
    path = tmp_path / "some" / "pose.safetensors"
    network.ned = True
    save_pose(PoseWeights(network, (224, 112)), path)
    loaded = load_pose(path)
    assert (loaded.size, loaded.network.ned) == ((224, 112), True)
    state = network.state_dict()
    for name, value in loaded.network.state_dict().items():
        assert torch.equal(value, state[name])
    assert isinstance(make_pose_model(str(path), CPU), NetworkPose)


def test_wrong_arguments_are_named_in_the_error(tmp_path: Path) -> None:
    assert isinstance(make_pose_model("none", CPU), NoPose)
    with pytest.raises(ConfigurationError, match="pose_model 'often'"):
        make_pose_model("often", CPU)
    with pytest.raises(ConfigurationError, match="no weights of the pose network"):
        load_pose(tmp_path / "missing.safetensors")
