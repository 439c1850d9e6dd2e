"""Absolute and relative trajectory error of matched, aligned poses."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.alignment import Similarity, umeyama
from denseba_ros.evaluation.trajectory.association import NANOSECONDS, pairs_after
from denseba_ros.sequences.trajectory import Trajectory, associate


@dataclass(frozen=True)
class ErrorStatistics:
    """Summary of ``count`` errors of one unit; all NaN when there is none."""

    count: int
    rmse: float
    mean: float
    median: float
    p95: float
    max: float

    @classmethod
    def of(cls, errors: np.ndarray) -> ErrorStatistics:
        """Statistics of errors (N,)."""
        if len(errors) == 0:
            return cls(0, *([float("nan")] * 5))
        return cls(
            count=len(errors),
            rmse=float(np.sqrt(np.mean(errors**2))),
            mean=float(np.mean(errors)),
            median=float(np.median(errors)),
            p95=float(np.percentile(errors, 95)),
            max=float(np.max(errors)),
        )

    def as_dict(self) -> dict[str, float]:
        """All values by name."""
        return asdict(self)


@dataclass(frozen=True)
class MatchedTrajectories:
    """Pairs of poses of equal time: ``stamps_ns`` (N,), poses T_world_camera (N, 4, 4).

    ``estimate`` is unaligned; ``alignment`` transforms it to the ground truth. ``estimate_index``
    (N,) are the rows of the estimated trajectory.
    """

    stamps_ns: np.ndarray
    estimate: np.ndarray
    groundtruth: np.ndarray
    estimate_index: np.ndarray
    alignment: Similarity

    @property
    def aligned(self) -> np.ndarray:
        """Estimated T_world_camera (N, 4, 4), aligned to the ground truth."""
        return self.alignment.poses(self.estimate)


def match(
    estimate: Trajectory, groundtruth: Trajectory, tolerance_ns: int, with_scale: bool = True
) -> MatchedTrajectories:
    """Associate by stamp, within ``tolerance_ns``, and align by Sim(3), or SE(3) without scale.

    Raises:
        TrajectoryError: with fewer than three matches, or when the estimate does not move.
    """
    i, j = associate(estimate.stamps_ns, groundtruth.stamps_ns, tolerance_ns)
    if len(i) < 3:
        raise TrajectoryError(
            f"only {len(i)} of {len(estimate)} estimated poses have ground truth within "
            f"{tolerance_ns / 1e6:.1f} ms: {_span(estimate)} against {_span(groundtruth)}"
        )
    poses, truth = estimate.T_world_camera[i], groundtruth.T_world_camera[j]
    alignment = umeyama(poses[:, :3, 3], truth[:, :3, 3], with_scale)
    return MatchedTrajectories(estimate.stamps_ns[i], poses, truth, i, alignment)


def _span(trajectory: Trajectory) -> str:
    if len(trajectory) == 0:
        return "no poses"
    first, last = trajectory.stamps_ns[[0, -1]] / NANOSECONDS
    return f"{len(trajectory)} poses from {first:.3f} to {last:.3f} s"


def absolute_errors(matched: MatchedTrajectories) -> np.ndarray:
    """Distance of each aligned position from the ground truth, metres, (N,)."""
    return position_errors(matched.aligned, matched.groundtruth)


def position_errors(aligned: np.ndarray, groundtruth: np.ndarray) -> np.ndarray:
    """Distances (N,) in metres between the positions of poses (N, 4, 4)."""
    return np.asarray(np.linalg.norm(aligned[:, :3, 3] - groundtruth[:, :3, 3], axis=1))


def relative_errors(
    matched: MatchedTrajectories, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors (M,) of the motions from poses ``first`` to ``second`` (indices (M,)): translation in
    metres, rotation in degrees."""
    estimated = relative_poses(matched.aligned, first, second)
    true = relative_poses(matched.groundtruth, first, second)
    error = np.linalg.inv(true) @ estimated
    angles = Rotation.from_matrix(error[:, :3, :3]).magnitude() if len(error) else np.zeros(0)
    return np.linalg.norm(error[:, :3, 3], axis=1), np.degrees(angles)


def relative_poses(poses: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """T_first_second (M, 4, 4) of T_world_camera ``poses`` (N, 4, 4) at indices (M,)."""
    return np.asarray(np.linalg.inv(poses[first]) @ poses[second])


def path_length(positions: np.ndarray) -> float:
    """Length in metres of the path through positions (N, 3)."""
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())


def trajectory_report(matched: MatchedTrajectories) -> dict[str, object]:
    """ATE and RPE after alignment; RPE over consecutive matched poses and over one second."""
    steps = np.arange(len(matched.stamps_ns) - 1)
    per_frame = relative_errors(matched, steps, steps + 1)
    per_second = relative_errors(matched, *pairs_after(matched.stamps_ns, NANOSECONDS))
    ate = ErrorStatistics.of(absolute_errors(matched))
    length = path_length(matched.groundtruth[:, :3, 3])
    return {
        "matched_poses": len(matched.stamps_ns),
        "scale": matched.alignment.scale,
        "path_length_m": length,
        "ate_m": ate.as_dict(),
        "ate_percent_of_path": 100.0 * ate.rmse / length if length > 0 else float("nan"),
        "rpe_frame_m": ErrorStatistics.of(per_frame[0]).as_dict(),
        "rpe_frame_deg": ErrorStatistics.of(per_frame[1]).as_dict(),
        "rpe_second_m": ErrorStatistics.of(per_second[0]).as_dict(),
        "rpe_second_deg": ErrorStatistics.of(per_second[1]).as_dict(),
    }
