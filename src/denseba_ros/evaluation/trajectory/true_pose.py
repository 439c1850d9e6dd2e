"""The pose of a trajectory at a time between two of its own."""

from __future__ import annotations

import numpy as np

from denseba_ros.geometry.pose_step import between
from denseba_ros.sequences.trajectory import Trajectory

# Between poses farther apart nothing is interpolated, seconds.
_LARGEST_GAP = 0.6


def true_pose(truth: Trajectory, stamp_ns: int) -> np.ndarray | None:
    """T_world_camera (4, 4) at that time; None where the trajectory does not know it: before its
    first pose, after its last, and in gaps of more than 0.6 s."""
    after = int(np.searchsorted(truth.stamps_ns, stamp_ns))
    if after < len(truth) and truth.stamps_ns[after] == stamp_ns:
        return np.array(truth.T_world_camera[after])
    if not 0 < after < len(truth):
        return None
    begin, end = truth.stamps_ns[after - 1 : after + 1].tolist()
    if end - begin > _LARGEST_GAP * 1e9:
        return None
    one, other = truth.T_world_camera[after - 1 : after + 1]
    return between(one, other, (stamp_ns - begin) / (end - begin))
