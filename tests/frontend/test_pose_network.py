import pytest
import torch

from denseba_ros.frontend.pose_network import PoseNetwork

GENERATOR = torch.Generator().manual_seed(0)
LANES, LENGTH = 2, 4
PREVIOUS, CURRENT = (
    255.0 * torch.rand(LANES, LENGTH, 1, 48, 64, generator=GENERATOR) for _ in range(2)
)
INTRINSICS = torch.tensor([60.0, 60.0, 31.5, 23.5]).expand(LANES, LENGTH, 4)
FIRST = torch.tensor([[True, False, False, False], [True, False, True, False]])


@pytest.fixture
def network() -> PoseNetwork:
    torch.manual_seed(0)
    network = PoseNetwork()
    # Running statistics of its own, as after a training.
    network(PREVIOUS, CURRENT, INTRINSICS, FIRST, network.start(LANES))
    return network.eval()


def test_step_by_step_equals_the_whole(network: PoseNetwork) -> None:
    with torch.no_grad():
        whole, _ = network(PREVIOUS, CURRENT, INTRINSICS, FIRST, network.start(LANES))
        state = network.start(LANES)
        for k in range(LENGTH):
            at = slice(k, k + 1)
            parts = (x[:, at] for x in (PREVIOUS, CURRENT, INTRINSICS, FIRST))
            one, state = network(*parts, state)
            for name in ("quaternion", "translation", "log_sigma", "affine"):
                expected = getattr(whole, name)[:, at]
                torch.testing.assert_close(getattr(one, name), expected, atol=1e-5, rtol=0.0)


def test_a_new_run_forgets_the_one_before(network: PoseNetwork) -> None:
    with torch.no_grad():
        whole, _ = network(PREVIOUS, CURRENT, INTRINSICS, FIRST, network.start(LANES))
        fresh, _ = network(
            PREVIOUS[1:, 2:], CURRENT[1:, 2:], INTRINSICS[1:, 2:], FIRST[1:, 2:], network.start(1)
        )
        going_on = torch.zeros_like(FIRST)
        other, _ = network(PREVIOUS, CURRENT, INTRINSICS, going_on, network.start(LANES))
    torch.testing.assert_close(whole.translation[1:, 2:], fresh.translation, atol=1e-5, rtol=0.0)
    assert float((other.translation - whole.translation)[1, 2:].abs().max()) > 1e-5


def test_outputs(network: PoseNetwork) -> None:
    output, _ = network(PREVIOUS, CURRENT, INTRINSICS, FIRST, network.start(LANES))
    assert output.quaternion.shape == (LANES, LENGTH, 4)
    torch.testing.assert_close(output.quaternion.norm(dim=-1), torch.ones(LANES, LENGTH))
    assert output.covariance.shape == (LANES, LENGTH, 6, 6)
    assert bool((torch.linalg.eigvalsh(output.covariance) > 0).all())


def test_other_sizes_and_cameras(network: PoseNetwork) -> None:
    big = torch.nn.functional.interpolate(PREVIOUS[:, 0], (96, 160))[:, None]
    one = FIRST[:, :1]
    said, _ = network(big, big, INTRINSICS[:, :1], one, network.start(LANES))
    wide, _ = network(big, big, 0.5 * INTRINSICS[:, :1], one, network.start(LANES))
    assert (said.translation - wide.translation).abs().max().item() > 1e-7
