"""What the demo says at its end, and whether that is a sane result."""

from __future__ import annotations

from typing import Any

from denseba_ros.evaluation.results.pose_reports import pose_reports
from denseba_ros.evaluation.results.run_statistics import no_map_in_words

MIN_TRACKED = 0.8
"""Share of the images after initialisation that must be tracked."""
MAX_INITIALISING = 0.5
"""Share of the images that initialisation may take."""
MAX_ROOM_ATE_PERCENT = 2.0
"""Trajectory error of odometry in the rendered room, percent of the path; of the pose in map where
there is no odometry."""
MAX_ROOM_DEPTH_ERROR = 0.10
"""Median relative depth error on textured pixels of the rendered room."""


def print_report(
    summary: dict[str, Any],
    evaluation: dict[str, Any] | None,
    frames: int,
    *,
    is_room: bool,
) -> bool:
    """Print the numbers and every reason to doubt them; True when there is none."""
    for line in _lines(summary, evaluation, frames):
        print(f"    {line}")
    doubts = find_doubts(summary, evaluation, frames, is_room=is_room)
    for doubt in doubts:
        print(f"NOT SANE: {doubt}")
    return not doubts


def find_doubts(
    summary: dict[str, Any],
    evaluation: dict[str, Any] | None,
    frames: int,
    *,
    is_room: bool,
) -> list[str]:
    """Why the result is not sane, one sentence each; the room has bars of its own."""
    if no_map := no_map_in_words(summary):
        return [no_map]
    doubts: list[str] = []
    tracked, initialising = summary["tracked"], summary["initialising"]
    if initialising > MAX_INITIALISING * frames:
        doubts.append(f"initialising took {initialising} of {frames} images")
    if tracked < MIN_TRACKED * (frames - initialising):
        doubts.append(f"only {tracked} of {frames - initialising} images were tracked")
    messages = summary.get("messages")
    if messages is not None:
        expected = tracked + summary["lost"]
        if messages.get("odometry", 0) != expected:
            doubts.append(f"{messages.get('odometry', 0)} odometry messages, not {expected}")
        if summary["dropped"]:
            doubts.append(f"{summary['dropped']} images were dropped")
    if is_room:
        doubts += _room_doubts(evaluation)
    return doubts


def _room_doubts(evaluation: dict[str, Any] | None) -> list[str]:
    if evaluation is None:
        return ["there is no evaluation"]
    doubts: list[str] = []
    pose, report = next(iter(pose_reports(evaluation).items()))
    percent = report["trajectory"]["ate_percent_of_path"]
    if percent is None or percent > MAX_ROOM_ATE_PERCENT:
        doubts.append(f"the trajectory error of {pose} is {percent} % of the path")
    error = _depth_error(evaluation)
    if error is None or error > MAX_ROOM_DEPTH_ERROR:
        doubts.append(f"the median relative depth error is {error}")
    return doubts


def _lines(summary: dict[str, Any], evaluation: dict[str, Any] | None, frames: int) -> list[str]:
    lines = [
        f"tracked              {summary['tracked']} of {frames} images, "
        f"{summary['initialising']} initialised, {summary['lost']} lost"
    ]
    lines.append(f"keyframes            {summary['keyframes']}")
    rate = summary.get("odometry_rate_hz")
    if rate is not None:
        lines.append(f"odometry             {rate:.1f} Hz on this machine, one per tracked image")
    if evaluation is None:
        return [*lines, "no ground truth, or nothing to compare with it: no errors"]
    lines += [_path_line(pose, report) for pose, report in pose_reports(evaluation).items()]
    error = _depth_error(evaluation)
    if error is not None:
        lines.append(f"depth error          {100 * error:.2f} % median, textured pixels, one scale")
    return lines


def _path_line(pose: str, report: dict[str, Any]) -> str:
    """The error of one pose, ``odometry`` or ``map``."""
    trajectory, poses = report["trajectory"], report.get("poses")
    percent = trajectory["ate_percent_of_path"]
    share = "the path has no length" if percent is None else f"{percent:.2f} % of"
    length = "" if percent is None else f" {trajectory['path_length_m']:.2f} m"
    line = (
        f"{f'error of {pose}':21}{trajectory['ate_m']['rmse']:.4f} m RMSE after "
        f"{report['alignment']} alignment, {share}{length}"
    )
    if poses is None:
        return line
    return f"{line}; {poses['tracked']} tracked, {poses['predicted']} predicted poses"


def _depth_error(evaluation: dict[str, Any]) -> float | None:
    """Median relative error on textured pixels with the trajectory's one scale."""
    errors = evaluation.get("depth", {}).get("textured_trajectory_scaled", {})
    value = errors.get("median_rel")
    return None if value is None else float(value)
