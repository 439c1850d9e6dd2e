"""One path of a run against ground truth: errors, evo's errors, consistency of the covariance."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.results.pose_reports import FRAMES
from denseba_ros.evaluation.results.recorded_pose import PoseState
from denseba_ros.evaluation.results.run_folder import RunPath
from denseba_ros.evaluation.trajectory.alignment import Similarity
from denseba_ros.evaluation.trajectory.evo_check import disagreements, evo_report
from denseba_ros.evaluation.trajectory.nees import StatedScale, nees_report
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    ErrorStatistics,
    MatchedTrajectories,
    match,
    path_length,
    position_errors,
    trajectory_report,
)
from denseba_ros.sequences.trajectory import Trajectory, associate

# A true path of fewer metres stands still, but for rounding.
_MOVES = 1e-4
_COLLINEAR = "collinear: {} but for the rotation about the line, which is free"


def path_report(
    path: RunPath, groundtruth: Trajectory, tolerance_ns: int, with_scale: bool
) -> tuple[dict[str, Any], MatchedTrajectories]:
    """What evaluation.json says of one path, and the matched poses for its plots.

    Poses of lost images are not judged, as in ``denseba run``, which does not write them; their
    errors are in ``by_state``, after the same alignment.

    Raises:
        TrajectoryError: when fewer than three poses match.
    """
    judged = _judged(path)
    estimate = _part(path.trajectory, judged)
    matched = match(estimate, groundtruth, tolerance_ns, with_scale)
    ours = trajectory_report(matched)
    notes: list[str] = []
    theirs = _evo(estimate, groundtruth, tolerance_ns, with_scale, matched.alignment, notes)
    if theirs is not None:
        notes += [f"our error and evo's differ: {d}" for d in disagreements(ours, theirs)]
    if not path_length(matched.estimate[:, :3, 3]):
        notes.append("the estimated path does not move: it has no scale, errors are those at rest")
    if path_length(matched.groundtruth[:, :3, 3]) < _MOVES:
        notes.append(
            "the true path does not move: "
            + ("Sim(3) shrinks any path onto it, " if with_scale else "")
            + "only rotations say something here"
        )
    if path.covariances is None and path.pose != "final":
        notes.append("no covariances of this trajectory: no NEES")
    name = "Sim(3)" if with_scale else "SE(3)"
    report: dict[str, Any] = {
        "pose": path.pose,
        "frame": FRAMES[path.pose],
        "alignment": _COLLINEAR.format(name) if matched.alignment.is_collinear else name,
        "tolerance_seconds": tolerance_ns / 1e9,
        "estimated_poses": len(path.trajectory),
        "groundtruth_poses": len(groundtruth),
        "groundtruth_rows_left_out": groundtruth.left_out,
        **_by_state(path, groundtruth, tolerance_ns, matched.alignment),
        "trajectory": ours,
        "evo": theirs,
        "nees": _nees(path, matched, judged, groundtruth, tolerance_ns),
        "notes": notes,
    }
    return report, matched


def _nees(
    path: RunPath,
    matched: MatchedTrajectories,
    judged: np.ndarray,
    groundtruth: Trajectory,
    tolerance_ns: int,
) -> dict[str, object] | None:
    """Consistency of the covariances of the ``judged`` rows (N,) bool; None without covariances.

    A covariance is of the path since its start, and that of a motion the difference of two. Where a
    map moved poses between them it is none, so motions are judged as they were tracked.
    """
    if path.tracked is not None:
        path = path.tracked
        judged = _judged(path)
        matched = match(path.trajectory, groundtruth, tolerance_ns)
    if path.covariances is None:
        return None
    stated = None
    if path.scale_errors is not None and path.scale_deviations is not None:
        rows = np.flatnonzero(judged)[matched.estimate_index]
        if np.isfinite(path.scale_deviations[rows]).all():
            stated = StatedScale(path.scale_errors[rows], path.scale_deviations[rows])
    return nees_report(matched, path.covariances[judged][matched.estimate_index], stated=stated)


def odometry_frames_notes(frames: int) -> list[str]:
    """What to know of a path with so many odometry frames; nothing where there is one."""
    if frames <= 1:
        return []
    return [f"the node began {frames} odometry frames: one alignment does not fit them"]


def _evo(
    estimate: Trajectory,
    groundtruth: Trajectory,
    tolerance_ns: int,
    with_scale: bool,
    alignment: Similarity,
    notes: list[str],
) -> dict[str, dict[str, float]] | None:
    """evo's errors; None where it is missing or cannot align, with a note why."""
    if alignment.is_collinear:
        notes.append(
            "the path is one straight line, which evo refuses: errors by our formulas only"
        )
        return None
    try:
        theirs = evo_report(estimate, groundtruth, tolerance_ns, with_scale)
    except TrajectoryError as error:
        notes.append(f"evo failed, errors by our own formulas only: {error}")
        return None
    if theirs is None:
        notes.append("evo is not installed: errors by our own formulas only (pip install evo)")
    return theirs


def _by_state(
    path: RunPath, groundtruth: Trajectory, tolerance_ns: int, alignment: Similarity
) -> dict[str, Any]:
    """Number of poses and position error (m) of each state; nothing where all are tracked."""
    if path.states is None:
        return {}
    counts = Counter(path.states)
    errors = {}
    for state in PoseState:
        rows = np.array([s is state for s in path.states], dtype=bool)
        part = _part(path.trajectory, rows)
        i, j = associate(part.stamps_ns, groundtruth.stamps_ns, tolerance_ns)
        estimate, truth = part.T_world_camera[i], groundtruth.T_world_camera[j]
        errors[state.value] = ErrorStatistics.of(
            position_errors(alignment.poses(estimate), truth)
        ).as_dict()
    return {
        "poses": {state.value: counts[state] for state in PoseState},
        "ate_m_by_state": errors,
    }


def _judged(path: RunPath) -> np.ndarray:
    """Which rows (N,) bool are not of lost images."""
    if path.states is None:
        return np.full(len(path.trajectory), True)
    return np.array([state is not PoseState.LOST for state in path.states], dtype=bool)


def _part(trajectory: Trajectory, rows: np.ndarray) -> Trajectory:
    return Trajectory(trajectory.stamps_ns[rows], trajectory.T_world_camera[rows])
