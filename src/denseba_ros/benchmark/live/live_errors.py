"""Errors of a live run's two paths, odometry and map, as ``denseba evaluate`` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.results.path_report import odometry_frames_notes, path_report
from denseba_ros.evaluation.results.pose_reports import FRAMES
from denseba_ros.evaluation.results.run_folder import RunFolder
from denseba_ros.evaluation.trajectory.association import default_tolerance_ns
from denseba_ros.sequences.trajectory import Trajectory


def live_errors(
    folder: Path, groundtruth: Trajectory | None, odometry_frames: int
) -> dict[str, Any]:
    """Errors of the paths in ``folder``: ``odometry`` and ``map``, None where they are not known,
    and ``notes`` that say why, or what a reader must know of them."""
    errors: dict[str, Any] = dict.fromkeys(FRAMES)
    if groundtruth is None:
        return {**errors, "notes": ["no ground truth: no errors of the path"]}
    notes = odometry_frames_notes(odometry_frames)
    tolerance_ns = default_tolerance_ns(groundtruth.stamps_ns)
    try:
        for path in RunFolder(folder).paths():
            report, _ = path_report(path, groundtruth, tolerance_ns, with_scale=True)
            errors[path.pose] = _figures(report)
            notes += [f"{path.pose}: {note}" for note in report["notes"]]
    except TrajectoryError as error:
        notes.append(f"no errors of the path: {error}")
    return {**errors, "notes": notes}


def _figures(report: dict[str, Any]) -> dict[str, Any]:
    path = report["trajectory"]
    return {
        "ate_m": path["ate_m"],
        "ate_percent_of_path": path["ate_percent_of_path"],
        "path_length_m": path["path_length_m"],
        "scale": path["scale"],
        "matched_poses": path["matched_poses"],
        "alignment": report["alignment"],
    }
