"""What an image says of its rotation beside a gyroscope's turn, and whether the two agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.slam.tracking.tracker import Alignment
from denseba_ros.slam.tracking.turn_check import (
    fitting_better,
    image_rotation,
    needs_image_alone,
)

_SIGMA = 1e-3


def _information() -> np.ndarray:
    """(8, 8) of an image alone, whose rotation is known to about a milliradian."""
    root = np.random.default_rng(0).normal(size=(8, 12))
    information: np.ndarray = 1e5 * root @ root.T
    return information


def _aligned(seen: np.ndarray, turned: np.ndarray) -> Alignment:
    """The mean of a rotation vector (3,) that is seen and one that is measured, by information."""
    H = _information()
    rest = np.r_[0:3, 6:8]
    own = H[3:6, 3:6] - H[3:6, rest] @ np.linalg.solve(H[np.ix_(rest, rest)], H[rest, 3:6])
    weight = _SIGMA**-2.0 * np.eye(3)
    H[3:6, 3:6] += weight
    mean = np.linalg.solve(own + weight, own @ seen + weight @ turned)
    T = torch.eye(4).double()
    T[:3, :3] = torch.from_numpy(Rotation.from_rotvec(mean).as_matrix())
    turn = MeasuredTurn(Rotation.from_rotvec(turned).as_matrix(), _SIGMA)
    return Alignment(T, torch.zeros(2).double(), torch.from_numpy(H), 1.0, 1.0, 0.9, 100, 5.0, turn)


def test_the_turn_is_taken_out_of_the_mean_again() -> None:
    seen, turned = np.array([0.02, -0.01, 0.005]), np.array([0.021, -0.008, 0.004])
    alignment = _aligned(seen, turned)
    alone = image_rotation(alignment)
    np.testing.assert_allclose(Rotation.from_matrix(alone.R).as_rotvec(), seen, atol=3e-5)
    without = image_rotation(replace(alignment, H=torch.from_numpy(_information()), turn=None))
    np.testing.assert_allclose(alone.covariance, without.covariance, rtol=1e-6)
    assert not needs_image_alone(alignment)


@pytest.mark.parametrize("axis", np.eye(3))
def test_a_turn_that_the_image_contradicts_is_found(axis: np.ndarray) -> None:
    assert needs_image_alone(_aligned(0.02 * axis, 0.05 * axis))
    assert not needs_image_alone(_aligned(0.02 * axis, 0.023 * axis))


def test_an_image_that_tells_no_rotation_contradicts_nothing() -> None:
    alignment = _aligned(np.zeros(3), np.array([0.0, 0.05, 0.0]))
    assert alignment.turn is not None
    H = torch.zeros(8, 8).double()
    H[3:6, 3:6] = torch.eye(3) / _SIGMA**2
    T = torch.eye(4).double()
    T[:3, :3] = torch.from_numpy(alignment.turn.R_later_earlier)
    blind = replace(alignment, H=H, T=T)
    assert not needs_image_alone(blind)


def test_without_a_turn_nothing_is_tried_and_a_lost_one_is_tried_again() -> None:
    alignment = _aligned(np.zeros(3), np.zeros(3))
    assert not needs_image_alone(replace(alignment, turn=None, inliers=0.0, corner_inliers=0))
    assert needs_image_alone(replace(alignment, inliers=0.0, corner_inliers=0))


def test_the_image_alone_counts_unless_it_fits_clearly_worse() -> None:
    both = _aligned(np.zeros(3), np.zeros(3))
    alone = replace(both, turn=None)
    assert fitting_better(both, alone) is alone
    assert fitting_better(both, replace(alone, corner_inliers=95)).corner_inliers == 95
    assert fitting_better(both, replace(alone, corner_inliers=50, similarity=0.8)) is both
    assert fitting_better(both, replace(alone, inliers=0.0, corner_inliers=0)) is both
    lost = replace(both, inliers=0.0, corner_inliers=0)
    assert fitting_better(lost, alone) is alone
