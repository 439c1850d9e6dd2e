import math

import pytest
import torch

from denseba_ros.frontend.pose.pose_network import PoseOutput
from denseba_ros.geometry import se3
from denseba_ros.training.pose.pose_losses import (
    direction_loss,
    likelihood_loss,
    pose_loss,
    rotation_error,
)


def said(quaternion: list[float], translation: list[float]) -> PoseOutput:
    return PoseOutput(
        torch.tensor([quaternion]),
        torch.tensor([translation]),
        torch.zeros(1, 6),
        torch.zeros(1, 2),
        2.0 * torch.tensor([[quaternion[:3]] * 2]),
    )


TURN = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.02, 0.0], dtype=torch.float64)
TRUTH = said([0.0, 0.0099998333, 0.0, 0.99995], [0.3, 0.0, 0.4])


def truth(scale: float = 1.0) -> torch.Tensor:
    T = se3.exp(TURN)
    T[:3, 3] = scale * torch.tensor([0.3, 0.0, 0.4], dtype=torch.float64)
    return T[None]


def test_no_error_at_the_truth() -> None:
    assert float(rotation_error(TRUTH, truth()).abs().max()) < 1e-5
    none = said([0.0, 0.0, 0.0, 1.0], [0.3, 0.0, 0.4])
    assert float(rotation_error(none, truth()).norm()) == pytest.approx(0.02, abs=1e-4)


def test_direction_loss_does_not_depend_on_the_length() -> None:
    t = torch.tensor([[0.3, 0.0, 0.4]])
    assert float(direction_loss(5.0 * t, t)) < 1e-6
    assert float(direction_loss(-t, t)) == pytest.approx(2.0)
    # A camera that stands still has no direction.
    assert float(direction_loss(torch.zeros(1, 3), torch.zeros(1, 3))) == 0.0


def test_likelihood_is_best_at_the_true_deviation() -> None:
    error = torch.full((1, 3), 0.2)
    losses = [float(likelihood_loss(error, torch.full((1, 3), s).log())) for s in (0.1, 0.2, 0.4)]
    assert losses[1] < min(losses[0], losses[2])


@pytest.mark.parametrize("metric", [True, False])
def test_pairs_that_are_not_known_do_not_count(metric: bool) -> None:
    T = torch.cat([truth(), truth(9.0)])
    both = PoseOutput(*(torch.cat([x, x]) for x in vars(TRUTH).values()))
    known = torch.tensor([True, False])
    one = pose_loss(TRUTH, truth(), torch.zeros(1, 2), torch.tensor([True]), metric)
    two = pose_loss(both, T, torch.zeros(2, 2), known, metric)
    torch.testing.assert_close(tuple(one), tuple(two))


def test_rotation_is_the_mean_over_known_pairs() -> None:
    turned = PoseOutput(*(torch.cat([x] * 3) for x in vars(TRUTH).values()))
    T = torch.cat([truth()] * 3)
    c, s = math.cos(0.1), math.sin(0.1)
    turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], dtype=T.dtype)
    T[1:, :3, :3] = T[1:, :3, :3] @ turn
    known = torch.tensor([True, True, False])
    loss = pose_loss(turned, T, torch.zeros(3, 2), known, metric=False)
    assert float(loss.rotation) == pytest.approx(0.05, abs=1e-5)
    nothing = pose_loss(turned, T, torch.zeros(3, 2), torch.zeros(3, dtype=torch.bool), False)
    assert float(nothing.rotation) == 0.0
    assert float(nothing.total) == 0.0


def test_length_counts_only_where_it_can_be_known() -> None:
    known = torch.tensor([True])
    at, off = (
        [
            float(pose_loss(TRUTH, truth(s), torch.zeros(1, 2), known, m).total)
            for m in (True, False)
        ]
        for s in (1.0, 2.0)
    )
    assert off[0] > at[0] + 0.4
    assert off[1] == pytest.approx(at[1], abs=1e-5)
