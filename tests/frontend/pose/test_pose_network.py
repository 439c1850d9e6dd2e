import pytest
import torch

from denseba_ros.frontend.pose.pose_network import PoseNetwork
from denseba_ros.geometry.cross_product import hat
from denseba_ros.training.pose.pose_augmentation import rotated_image

GENERATOR = torch.Generator().manual_seed(0)
LANES, LENGTH = 2, 4
IMAGES = 255.0 * torch.rand(LANES, LENGTH + 1, 1, 48, 64, generator=GENERATOR)
INTRINSICS = torch.tensor([60.0, 60.0, 31.5, 23.5]).expand(LANES, LENGTH, 4)
FIRST = torch.tensor([[True, False, False, False], [True, False, True, False]])


@pytest.fixture
def network() -> PoseNetwork:
    torch.manual_seed(0)
    network = PoseNetwork()
    # Running statistics of its own, as after a training.
    network(IMAGES, INTRINSICS, FIRST, network.initial_state(LANES))
    return network.eval()


def test_step_by_step_equals_the_whole(network: PoseNetwork) -> None:
    with torch.no_grad():
        whole, _ = network(IMAGES, INTRINSICS, FIRST, network.initial_state(LANES))
        state = network.initial_state(LANES)
        for k in range(LENGTH):
            at = slice(k, k + 1)
            pair = IMAGES[:, k : k + 2]
            one, state = network(pair, INTRINSICS[:, at], FIRST[:, at], state)
            for name in ("quaternion", "translation", "log_sigma", "affine"):
                expected = getattr(whole, name)[:, at]
                torch.testing.assert_close(getattr(one, name), expected, atol=1e-5, rtol=0.0)


def test_a_new_run_forgets_the_one_before(network: PoseNetwork) -> None:
    with torch.no_grad():
        whole, _ = network(IMAGES, INTRINSICS, FIRST, network.initial_state(LANES))
        rest = (IMAGES[1:, 2:], INTRINSICS[1:, 2:], FIRST[1:, 2:])
        fresh, _ = network(*rest, network.initial_state(1))
        going_on = torch.zeros_like(FIRST)
        other, _ = network(IMAGES, INTRINSICS, going_on, network.initial_state(LANES))
    torch.testing.assert_close(whole.translation[1:, 2:], fresh.translation, atol=1e-5, rtol=0.0)
    assert float((other.translation - whole.translation)[1, 2:].abs().max()) > 1e-5


def test_outputs(network: PoseNetwork) -> None:
    output, _ = network(IMAGES, INTRINSICS, FIRST, network.initial_state(LANES))
    assert output.quaternion.shape == (LANES, LENGTH, 4)
    torch.testing.assert_close(output.quaternion.norm(dim=-1), torch.ones(LANES, LENGTH))
    assert output.covariance.shape == (LANES, LENGTH, 6, 6)
    assert bool((torch.linalg.eigvalsh(output.covariance) > 0).all())


def test_other_sizes_and_cameras(network: PoseNetwork) -> None:
    images = (torch.nn.functional.interpolate(IMAGES[:, k], (96, 160)) for k in range(2))
    big = torch.stack(list(images), 1)
    one = FIRST[:, :1]
    said, _ = network(big, INTRINSICS[:, :1], one, network.initial_state(LANES))
    wide, _ = network(big, 0.5 * INTRINSICS[:, :1], one, network.initial_state(LANES))
    assert (said.translation - wide.translation).abs().max().item() > 1e-7


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_untrained_network_measures_a_rotation(axis: int) -> None:
    """Correlation and least squares find a part of it; training finds the rest."""
    torch.manual_seed(1)
    network = PoseNetwork()
    noise = torch.rand(1, 1, 128, 256, generator=torch.Generator().manual_seed(2))
    texture = 255.0 * torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    truth = torch.zeros(3)
    truth[axis] = 0.06
    R = torch.linalg.matrix_exp(hat(truth))[None]
    intrinsics = torch.tensor([[150.0, 150.0, 127.5, 63.5]])
    images = torch.stack([texture, rotated_image(texture, intrinsics, R)], 1)
    start = torch.ones(1, 1, dtype=torch.bool)
    with torch.no_grad():
        output, _ = network(images, intrinsics[None], start, network.initial_state(1))
    assert float((output.solved[0, 0, 1] - truth).norm()) < 0.8 * float(truth.norm())
