"""The room must be a world: what two cameras see of a point is the same point."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.rendering.view import look_at
from denseba_ros.sequences.room.room_renderer import room_renderer
from denseba_ros.sequences.room.room_trajectory import TRAJECTORIES, room_poses
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from tests.sequences.rendering.two_views import reproject, seen_in_both

SMALL = {"width": 320, "height": 240, "frames": 60}


@pytest.mark.parametrize("trajectory", ["orbit", "sweep", "forward", "handheld", "loop"])
def test_a_point_has_the_same_brightness_in_two_frames(trajectory: str) -> None:
    room = RoomSequence(trajectory, noise=0.0, brightness=False, **SMALL)
    here, there, mask = seen_in_both(room, 0, 12)
    assert mask.mean() > 0.4
    # Interpolation between pixels is what remains, and it is unbiased.
    assert np.median(np.abs(here - there)) < 1.5
    assert abs(np.mean(here - there)) < 0.5
    # The same comparison with a wrong pose must fail, or the room has no texture.
    assert np.median(np.abs(here - np.roll(there, 3))) > 2 * np.median(np.abs(here - there))


def test_brightness_has_the_given_gain_and_offset() -> None:
    room = RoomSequence("standstill", noise=0.0, **SMALL)
    plain = RoomSequence("standstill", noise=0.0, brightness=False, **SMALL)
    gain, offset = room.brightness(50)
    assert (gain, offset) != (1.0, 0.0)
    expected = np.clip(gain * plain.image(50).astype(float) + offset, 0, 255)
    assert np.abs(room.image(50) - expected).max() <= 1.2


def test_noise_has_the_given_size_and_changes_every_frame() -> None:
    room = RoomSequence("standstill", noise=3.0, brightness=False, **SMALL)
    difference = room.image(1).astype(float) - room.image(0)
    assert np.std(difference) == pytest.approx(3.0 * np.sqrt(2.0), rel=0.05)


def test_depth_is_that_of_a_ray_cast_by_hand() -> None:
    """Straight at the wall y = 2.5 above all boxes, and straight down."""
    room = RoomSequence(**SMALL)
    camera = np.array([2.0, 0.0, 2.4])
    depth = room_renderer(0).depth(
        Calibration(31, 31, 100.0, 100.0, 15.0, 15.0),
        look_at(camera, camera + np.array([0.0, 1.0, 0.0])),
    )
    assert depth[15, 15] == pytest.approx(2.5, abs=1e-4)
    assert np.all(room.depth(0) > 0.0)


def test_nearer_points_occlude_farther_ones() -> None:
    room = RoomSequence("sweep", noise=0.0, brightness=False, **SMALL)
    x, y, z = (a.astype(np.float32) for a in reproject(room, 0, 59))
    depth = cv2.remap(room.depth(59), x, y, cv2.INTER_NEAREST, borderValue=0.0)
    hidden = (depth > 0.0) & (depth < 0.8 * z)
    assert hidden.mean() > 0.01


def test_every_ray_hits_something_and_no_seam_shows() -> None:
    for trajectory in TRAJECTORIES:
        room = RoomSequence(trajectory, **SMALL)
        depth = room.depth(30)
        assert np.isfinite(depth).all()
        # A ray through a crack is one lone pixel far behind its neighbours.
        lone = depth - cv2.medianBlur(depth, 3)
        assert np.all(np.abs(lone) < 3.5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_pixels_and_another_does_not() -> None:
    first, again = (RoomSequence(frames=5, width=160, height=120, seed=3) for _ in range(2))
    other = RoomSequence(frames=5, width=160, height=120, seed=4)
    assert np.array_equal(first.image(4), again.image(4))
    assert np.array_equal(first.pose(4), again.pose(4))
    assert not np.array_equal(first.pose(4), other.pose(4))
    assert np.mean(first.image(4) != other.image(4)) > 0.5


@given(st.sampled_from(TRAJECTORIES), st.integers(0, 1000), st.floats(0.0, 300.0))
@settings(max_examples=60, deadline=None)
def test_paths_are_rigid_continuous_and_inside_the_room(name: str, seed: int, t: float) -> None:
    T = room_poses(name, np.array([t, t + 1.0 / 30.0]), seed)
    R = T[:, :3, :3]
    assert np.allclose(R @ R.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(R), 1.0)
    assert np.linalg.norm(T[1, :3, 3] - T[0, :3, 3]) < 1.5 / 30.0
    assert np.all(np.abs(T[:, 0, 3]) < 2.4)
    assert np.all(np.abs(T[:, 1, 3]) < 2.0)


def test_the_pose_at_standstill_is_constant() -> None:
    poses = RoomSequence("standstill", frames=20).groundtruth().T_world_camera
    assert np.array_equal(poses, np.repeat(poses[:1], 20, axis=0))


def test_frames_carry_rising_stamps_at_the_rate() -> None:
    room = RoomSequence(frames=4, width=64, height=48, rate=20.0)
    frames = list(room)
    assert [f.index for f in frames] == [0, 1, 2, 3]
    assert np.diff([f.stamp_ns for f in frames]).tolist() == [50_000_000] * 3
    assert [f.stamp_ns for f in frames] == room.groundtruth().stamps_ns.tolist()
    assert frames[0].image.shape == (48, 64)
    assert frames[0].image.dtype == np.uint8


@pytest.mark.parametrize(
    "wrong", [{"trajectory": "fly"}, {"frames": 0}, {"noise": -1.0}, {"rate": 0.0}, {"width": 2}]
)
def test_wrong_arguments_are_named(wrong: dict) -> None:
    with pytest.raises(SequenceError):
        RoomSequence(**wrong)
