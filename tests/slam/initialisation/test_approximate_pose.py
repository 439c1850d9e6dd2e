"""The pose before there is a map, and how certain it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denseba_ros.geometry import se3
from denseba_ros.slam.initialisation.approximate_pose import ApproximatePose

_START = se3.exp(torch.tensor([0.3, -0.1, 0.5, 0.2, 0.1, -0.3], dtype=torch.float64))
_TURN = se3.exp(torch.tensor([0.0, 0.0, 0.1, 0.0, 0.3, 0.0], dtype=torch.float64))


def test_a_motion_is_composed_with_its_translation_in_median_depths() -> None:
    moved = ApproximatePose(_START).moved(_TURN.numpy(), 0.0, median_depth=4.0)
    expected = _TURN.clone()
    expected[:3, 3] *= 4.0
    torch.testing.assert_close(moved.T, expected @ _START)
    assert moved.is_measured
    # The motion that was given is not changed.
    assert float(_TURN[2, 3]) < 0.2


def test_after_many_motions_the_rotation_is_still_one() -> None:
    pose, step = ApproximatePose(_START), _TURN.numpy() + 1e-6
    for _ in range(50):
        pose = pose.moved(step, 0.0, 1.0)
    R = pose.T[:3, :3]
    torch.testing.assert_close(R @ R.mT, torch.eye(3).double(), atol=1e-9, rtol=0)


def test_parallax_makes_it_less_certain_and_adds_up_over_the_references() -> None:
    """What parallax does to rotations has the same sign for long, so deviations add, not their
    squares."""
    first = ApproximatePose(_START).moved(_TURN.numpy(), 0.0, 1.0)
    assert 0.0 < first.rotation_sigma < np.radians(0.1)
    assert first.translation_sigma == 0.0
    near = ApproximatePose(_START).moved(_TURN.numpy(), 0.01, 1.0)
    assert near.rotation_sigma > first.rotation_sigma + 0.005
    assert near.translation_sigma > 0.01
    twice = near.moved(_TURN.numpy(), 0.01, 1.0)
    assert twice.rotation_sigma == pytest.approx(2 * near.rotation_sigma)
    assert twice.translation_sigma == pytest.approx(2 * near.translation_sigma)


def test_a_prediction_is_no_measurement_and_nearly_unknown() -> None:
    pose = ApproximatePose(_START, 0.01, 0.02).predicted(_TURN)
    assert not pose.is_measured
    assert pose.T is _TURN
    assert pose.rotation_sigma > np.radians(20.0)
    assert pose.translation_sigma > 0.2
    assert pose.predicted(_TURN).rotation_sigma > pose.rotation_sigma
    # A measurement against it is one, and keeps the doubt.
    after = pose.moved(_TURN.numpy(), 0.0, 1.0)
    assert after.is_measured
    assert after.rotation_sigma > pose.rotation_sigma


def test_the_covariance_is_of_metres_and_radians() -> None:
    covariance = ApproximatePose(_START, 0.1, 0.2).covariance(median_depth=3.0)
    expected = torch.tensor([0.6, 0.6, 0.6, 0.1, 0.1, 0.1]).double() ** 2
    torch.testing.assert_close(covariance, torch.diag(expected))
