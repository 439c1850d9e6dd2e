"""Camera trajectories in memory and in TUM files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError


@dataclass(frozen=True)
class Trajectory:
    """Poses over time: ``stamps_ns`` (N,) int64 rising, ``T_world_camera`` (N, 4, 4) float64."""

    stamps_ns: np.ndarray
    T_world_camera: np.ndarray

    def __len__(self) -> int:
        return len(self.stamps_ns)


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """Write TUM rows ``t tx ty tz qx qy qz qw``, seconds with nanosecond digits."""
    quaternions = Rotation.from_matrix(trajectory.T_world_camera[:, :3, :3]).as_quat()
    with path.open("w") as file:
        for stamp, T, q in zip(
            trajectory.stamps_ns, trajectory.T_world_camera, quaternions, strict=True
        ):
            seconds, nanoseconds = divmod(int(stamp), 1_000_000_000)
            values = " ".join(f"{v:.9f}" for v in (*T[:3, 3], *q))
            file.write(f"{seconds}.{nanoseconds:09d} {values}\n")


def read_tum(path: Path) -> Trajectory:
    """Read TUM rows; comments start with ``#``.

    Raises:
        TrajectoryError: when the file is missing, empty or a row has not eight finite numbers.
    """
    raise TrajectoryError(f"{path}: not written yet")
