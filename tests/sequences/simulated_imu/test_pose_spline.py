"""The spline through poses, and its derivatives against differences."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.sequences.building.synthetic_building import BuildingSequence
from denseba_ros.sequences.rendering.rendered_sequence import RenderedSequence
from denseba_ros.sequences.room.room_trajectory import TRAJECTORIES
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.simulated_imu.pose_spline import PoseSpline

TIMES = np.arange(0.0, 4.0, 0.005)
BETWEEN = np.random.default_rng(0).uniform(0.5, 3.0, 200)


def spline_of(name: str) -> tuple[PoseSpline, RenderedSequence]:
    """A sequence, and a spline through its poses."""
    world = BuildingSequence(width=16, height=16) if name == "building" else RoomSequence(name)
    return PoseSpline(TIMES, world.poses_at(TIMES)), world


@pytest.mark.parametrize("name", ["building", *TRAJECTORIES])
def test_between_its_knots_it_is_the_trajectory(name: str) -> None:
    spline, world = spline_of(name)
    assert np.abs(spline.poses(BETWEEN) - world.poses_at(BETWEEN)).max() < 1e-8
    assert np.abs(spline.poses(TIMES) - world.poses_at(TIMES)).max() < 1e-12


@pytest.mark.parametrize("name", ["building", "handheld", "loop"])
def test_derivatives_are_those_of_the_poses(name: str) -> None:
    spline, _ = spline_of(name)
    h = 1e-4
    before, here, after = (spline.poses(BETWEEN + k * h) for k in (-1, 0, 1))
    position = [T[:, :3, 3] for T in (before, here, after)]
    velocity = (position[2] - position[0]) / (2 * h)
    acceleration = (position[2] - 2 * position[1] + position[0]) / h**2
    turn = np.einsum("nji,njk->nik", before[:, :3, :3], after[:, :3, :3])
    # Half of the turn lies before the middle: the vector is the same in the middle's axes.
    turning = Rotation.from_matrix(turn).as_rotvec() / (2 * h)
    assert np.abs(spline.velocity(BETWEEN) - velocity).max() < 1e-6
    assert np.abs(spline.acceleration(BETWEEN) - acceleration).max() < 1e-4
    assert np.abs(spline.angular_velocity(BETWEEN) - turning).max() < 1e-6


def test_angular_velocity_goes_on_where_the_quaternions_change_sign() -> None:
    """Two full turns about z."""
    angle = np.pi * TIMES
    T = np.tile(np.eye(4), (len(TIMES), 1, 1))
    T[:, :3, :3] = Rotation.from_rotvec(np.outer(angle, [0.0, 0.0, 1.0])).as_matrix()
    turning = PoseSpline(TIMES, T).angular_velocity(BETWEEN)
    assert np.abs(turning - [0.0, 0.0, np.pi]).max() < 1e-9
