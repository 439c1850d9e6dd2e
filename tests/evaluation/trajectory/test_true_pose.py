"""Poses between those of a trajectory."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.evaluation.trajectory.true_pose import true_pose
from denseba_ros.sequences.trajectory import Trajectory

STEP = 100_000_000


@pytest.fixture
def screw() -> Trajectory:
    """A constant twist, with a gap of a second after the third pose."""
    stamps = np.array([0, 1, 2, 12, 13]) * STEP
    poses = [np.eye(4) for _ in stamps]
    for T, stamp in zip(poses, stamps, strict=True):
        angle = 0.1 * stamp / STEP
        T[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        T[2, 3] = stamp / STEP
    return Trajectory(stamps, np.array(poses))


def test_a_pose_of_its_own_is_that(screw: Trajectory) -> None:
    for stamp, T in zip(screw.stamps_ns, screw.T_world_camera, strict=True):
        np.testing.assert_array_equal(true_pose(screw, int(stamp)), T)


def test_between_two_both_count_by_their_distance(screw: Trajectory) -> None:
    T = true_pose(screw, STEP + STEP // 4)
    assert T is not None
    assert T[2, 3] == pytest.approx(1.25)
    assert np.arctan2(T[1, 0], T[0, 0]) == pytest.approx(0.125)


@pytest.mark.parametrize("steps", [-1, 5, 14])
def test_outside_and_in_a_gap_nothing_is_known(screw: Trajectory, steps: int) -> None:
    assert true_pose(screw, steps * STEP) is None
