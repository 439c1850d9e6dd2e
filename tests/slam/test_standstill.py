"""A camera that stands still stays where it is, however its image flickers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System

pytestmark = pytest.mark.slow

NOISE = 3.0
PERIOD_NS = 200_000_000


@pytest.fixture(scope="module")
def still() -> list[Estimate]:
    """The camera moves for a second and then stands for 60 s, at 5 Hz."""
    room = RoomSequence(frames=40, width=320, height=240)
    system = System(Config(), room.calibration)
    rng = np.random.default_rng(0)
    for frame in room:
        system.process(frame.stamp_ns, frame.image)
    estimates = []
    for k in range(300):
        noise = rng.normal(0.0, NOISE, frame.image.shape)
        image = np.clip(frame.image + noise, 0, 255).astype(np.uint8)
        estimates.append(system.process(frame.stamp_ns + (k + 1) * PERIOD_NS, image))
    return estimates


def test_at_standstill_no_keyframe_is_added_and_tracking_is_never_lost(
    still: list[Estimate],
) -> None:
    assert {e.tracking for e in still} == {Tracking.TRACKING}
    assert sum(e.is_keyframe for e in still) == 0


def test_the_pose_does_not_drift(still: list[Estimate]) -> None:
    """Mean of the first five seconds against that of the last five."""
    first, last = still[:25], still[-25:]
    a, b = (np.mean([e.T_world_camera[:3, 3] for e in part], axis=0) for part in (first, last))
    assert np.linalg.norm(a - b) < 1e-3
    R, S = (Rotation.from_matrix([e.T_world_camera[:3, :3] for e in p]) for p in (first, last))
    assert np.degrees((R.mean().inv() * S.mean()).magnitude()) < 0.01
