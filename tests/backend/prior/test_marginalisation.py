"""What a marginalised keyframe leaves is the dense Schur complement of its own quadratic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.prior.marginalisation import marginalise
from denseba_ros.backend.problem import FRAME_DOF
from denseba_ros.backend.rotation_links import RotationLinks

pytestmark = pytest.mark.slow

_KEPT = 2 * FRAME_DOF
# Share of the leaving points' information that is kept, as in DSO.
_WEIGHT = 0.25
# Which of the three frames are held at their first estimates, away from where they are now.
_HELD = pytest.mark.parametrize("held", [(False,) * 3, (True, True, False), (True,) * 3])


def _held(window: Any, held: tuple[bool, ...]) -> Any:
    problem = replace(window.problem, uses_first_estimate=torch.tensor(held))
    return replace(window, problem=problem)


def _alone(window: Any, index: int) -> Any:
    """The window with the points of one keyframe alone."""
    valid = torch.zeros_like(window.problem.valid)
    valid[index] = True
    return replace(window, problem=replace(window.problem, valid=valid))


def _system(window: Any, algebra: Any, index: int) -> tuple[Tensor, Tensor]:
    """H and gradient of all unknowns: the prior in full, what the leaving points say at a quarter
    of its weight."""
    alone = _alone(window, index)
    H, b = algebra.dense(alone.linearise())
    prior_H, prior_b, _ = window.problem.pose_prior.at(window.variables.T, window.variables.affine)
    H, b = _WEIGHT * H, _WEIGHT * b
    n = len(prior_b)
    H[:n, :n] += (1 - _WEIGHT) * prior_H
    b[:n] += (1 - _WEIGHT) * prior_b
    return H, b


def _dense(window: Any, algebra: Any, index: int) -> tuple[Tensor, Tensor]:
    """H and gradient of the frames that stay, everything else eliminated at once."""
    H, b = _system(window, algebra, index)
    stay = torch.zeros(len(b), dtype=torch.bool)
    stay[: 3 * FRAME_DOF] = True
    stay[index * FRAME_DOF : (index + 1) * FRAME_DOF] = False
    gain = H[stay][:, ~stay] @ torch.linalg.inv(H[~stay][:, ~stay])
    return H[stay][:, stay] - gain @ H[~stay][:, stay], b[stay] - gain @ b[~stay]


def _scaled(H: Tensor) -> Tensor:
    size = H.diagonal().sqrt()
    return H / size[:, None] / size[None]


@_HELD
@pytest.mark.parametrize("index", [0, 1, 2])
def test_prior_is_the_dense_complement(
    algebra: Any, cloud_window: Any, index: int, held: tuple[bool, ...]
) -> None:
    """Also where frames moved on since their first estimate, to which the prior is tied."""
    window = _held(cloud_window, held)
    H, b = _dense(window, algebra, index)
    prior = marginalise(window.problem, window.variables, index, 0)
    size = H.diagonal().sqrt()
    np.testing.assert_allclose(
        (prior.H - H) / size[:, None] / size[None], np.zeros_like(H), atol=1e-6
    )
    keep = torch.arange(3) != index
    variables = window.variables
    _, gradient, _ = prior.at(variables.T[keep], variables.affine[keep])
    np.testing.assert_allclose(gradient / size, b / size, atol=1e-4 * float((b / size).norm()))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_without_points_the_old_priors_marginal_is_left(cloud_window: Any, index: int) -> None:
    """A marginal of a Gaussian is that Gaussian's, wherever the frames are by now, and what was
    known before keeps its whole weight."""
    window = _held(cloud_window, (True, True, True))
    problem = replace(window.problem, valid=torch.zeros_like(window.problem.valid))
    problem = replace(problem, observed_ok=torch.zeros_like(problem.observed_ok))
    old = problem.pose_prior
    covariance = torch.linalg.inv(old.H)
    keep = torch.arange(3) != index
    rows = keep.repeat_interleave(FRAME_DOF)
    H = torch.linalg.inv(covariance[rows][:, rows])
    mean = -(covariance @ old.b)[rows]
    prior = marginalise(problem, window.variables, index, 0)
    np.testing.assert_allclose(_scaled(prior.H), _scaled(H), atol=1e-6)
    np.testing.assert_allclose(prior.H.diagonal(), H.diagonal(), rtol=1e-6)
    np.testing.assert_array_equal(prior.T, old.T[keep])
    np.testing.assert_allclose(-torch.linalg.solve(prior.H, prior.b), mean, rtol=1e-4, atol=1e-9)


@_HELD
@pytest.mark.parametrize("index", [0, 1])
def test_minimum_of_the_prior_is_that_of_the_whole(
    algebra: Any, cloud_window: Any, index: int, held: tuple[bool, ...]
) -> None:
    """The frames that stay want to go where the undivided system sends them."""
    window = _held(cloud_window, held)
    H, b = _system(window, algebra, index)
    whole = -torch.linalg.solve(H, b)[: 3 * FRAME_DOF].reshape(3, FRAME_DOF)
    keep = torch.arange(3) != index
    prior = marginalise(window.problem, window.variables, index, 0)
    variables = window.variables
    _, gradient, _ = prior.at(variables.T[keep], variables.affine[keep])
    step = -torch.linalg.solve(prior.H, gradient)
    np.testing.assert_allclose(step, whole[keep].reshape(-1), rtol=1e-3, atol=1e-5)


def test_prior_is_positive_and_symmetric(cloud_window: Any) -> None:
    prior = marginalise(cloud_window.problem, cloud_window.variables, 0, 0)
    np.testing.assert_allclose(prior.H, prior.H.T, atol=1e-9 * float(prior.H.abs().max()))
    assert float(torch.linalg.eigvalsh(_scaled(prior.H))[0]) > -1e-12


def test_other_frames_keep_the_origin_they_had(cloud_window: Any) -> None:
    """A frame that the prior already held keeps its first estimate; a new one starts here."""
    problem, variables = cloud_window.problem, cloud_window.variables
    uses_first_estimate = replace(problem, uses_first_estimate=torch.tensor([True, True, False]))
    prior = marginalise(uses_first_estimate, variables, 0, 0)
    np.testing.assert_array_equal(prior.T[0], problem.pose_prior.T[1])
    np.testing.assert_array_equal(prior.T[1], variables.T[2])


def test_prior_of_room_keyframes_is_positive(room_window: Any) -> None:
    """In single precision, over the window's own gauge."""
    problem, start = room_window.start(0.002, 0.1, 0.02)
    for index in (0, 2):
        prior = marginalise(problem, start, index, 1)
        assert prior.H.shape == (32, 32)
        values = torch.linalg.eigvalsh(prior.H)
        assert float(values[0]) > -1e-6 * float(values[-1])
        assert torch.isfinite(prior.b).all()


def test_marginalised_window_keeps_its_place(room_window: Any) -> None:
    """Without the gauge keyframe its prior still holds the others: the first of them is known to
    a small part of the distance that the window spans."""
    problem, start = room_window.start(0.0, 0.0, 0.0)
    prior = marginalise(problem, start, 0, 1)
    covariance = torch.linalg.pinv(prior.H, hermitian=True, rtol=1e-12)
    deviation = covariance.diagonal()[:3].sqrt()
    span = float((torch.linalg.inv(start.T)[-1, :3, 3]).norm())
    assert float(deviation.max()) < 0.02 * span


def test_measured_turns_of_the_leaving_frame_count_fully(cloud_window: Any) -> None:
    """What a turn of frames 0 and 1 adds to the prior on 1 and 2 is as if points had no weight."""
    window = cloud_window
    problem = replace(window.problem, valid=torch.zeros_like(window.problem.valid))
    R = (window.variables.T[1:, :3, :3] @ window.variables.T[:-1, :3, :3].mT).clone()
    links = RotationLinks(R, torch.tensor([1e5, 3e5], dtype=torch.float64))
    linked = replace(problem, rotation_links=links)
    added = (
        marginalise(linked, window.variables, 0, 0).H
        - marginalise(problem, window.variables, 0, 0).H
    )
    turn_H, _ = links.touching(0).equations(window.variables.T)
    whole, _, _ = problem.pose_prior.at(window.variables.T, window.variables.affine)
    both = whole + turn_H

    def marginal(H: torch.Tensor) -> torch.Tensor:
        return H[8:, 8:] - H[8:, :8] @ torch.linalg.solve(H[:8, :8], H[:8, 8:])

    expected = marginal(both) - marginal(whole)
    rotation = [3, 4, 5]
    np.testing.assert_allclose(
        added[rotation][:, rotation],
        expected[rotation][:, rotation],
        rtol=0.02,
        atol=0.02 * float(expected[rotation][:, rotation].abs().max()),
    )
    # The other turn stays a part of the window.
    assert float(added[11:14, 11:14].abs().max()) < 0.05 * 3e5
