"""Ground truth in the frame and the unit of the estimate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.viewer.true_path import TruePath

STEP = 100_000_000


@pytest.fixture
def truth() -> Trajectory:
    """A bent path, ten poses a second."""
    t = np.linspace(0.0, 3.0, 60)
    poses = np.tile(np.eye(4), (60, 1, 1))
    poses[:, :3, 3] = np.stack([t, np.sin(t), 0.3 * t**2], axis=-1)
    return Trajectory(STEP * np.arange(60, dtype=np.int64), poses)


def test_it_lies_on_an_estimate_of_another_frame_and_unit(truth: Trajectory) -> None:
    path = TruePath(truth)
    assert path.aligned() is None
    turn = Rotation.from_rotvec([0.4, 0.1, -0.8]).as_matrix()
    estimated = 2.5 * truth.T_world_camera[:, :3, 3] @ turn.T + [1.0, -2.0, 3.0]
    for k in range(10, 50):
        path.add(int(truth.stamps_ns[k]), estimated[k])
    aligned = path.aligned()
    assert aligned is not None
    np.testing.assert_allclose(aligned, estimated[10:50], atol=1e-9)


def test_what_has_no_truth_is_left_out(truth: Trajectory) -> None:
    path = TruePath(truth)
    for k in range(40):
        path.add(STEP * (1000 + k), np.zeros(3))
    assert not path.is_due
    assert path.aligned() is None


def test_it_is_aligned_ever_more_rarely(truth: Trajectory) -> None:
    path = TruePath(truth)
    due = []
    for k in range(60):
        path.add(int(truth.stamps_ns[k]), truth.T_world_camera[k, :3, 3])
        if path.is_due:
            due.append(k)
            path.aligned()
    assert due[0] == 9
    assert 5 < len(due) < 30
    assert due[-1] - due[-2] > due[1] - due[0]
