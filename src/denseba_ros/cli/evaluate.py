"""``denseba evaluate``: a run against ground truth; JSON on stdout, plots in its folder."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from denseba_ros.cli.exit_status import DONE, NO_MAP
from denseba_ros.cli.options.kinds import add_numbers, add_paths, add_switches
from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.depth.run_depth_evaluation import DepthTruth, evaluate_depth
from denseba_ros.evaluation.results.path_report import odometry_frames_notes, path_report
from denseba_ros.evaluation.results.plots import plot_errors, plot_path
from denseba_ros.evaluation.results.pose_reports import pose_reports
from denseba_ros.evaluation.results.run_folder import EVALUATION, RunFolder
from denseba_ros.evaluation.results.run_statistics import no_map_in_words
from denseba_ros.evaluation.trajectory.association import default_tolerance_ns
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.trajectory_metrics import MatchedTrajectories
from denseba_ros.sequences.trajectory import Trajectory

FRAME_COUNTS = (
    "frames_expected",
    "frames_left_out",
    "frames",
    "tracked",
    "initialising",
    "lost",
    "dropped",
    "keyframes",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba evaluate``."""
    parser.description = (
        "Errors of the path, consistency of its covariance and errors of the depth. What `denseba "
        "record` wrote is judged twice: as `odometry` said it, in odom, and in map. What `denseba "
        "run` wrote is in map. With a map there is `final`, too: the path as corrected at the end."
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="what `denseba run` or `denseba record` wrote"
    )
    parser.add_argument(
        "--groundtruth",
        type=Path,
        required=True,
        metavar="PATH",
        help="TUM file, csv file that names its columns, KITTI pose file, or a sequence folder "
        "that brings its poses",
    )
    add_paths(parser, "FILE", times="stamps of a KITTI pose file's rows")
    add_numbers(
        parser,
        fps=(None, "frame rate that was given to `denseba run`"),
        tolerance=(None, "seconds that stamps may differ; without it half a frame"),
    )
    add_switches(parser, no_scale="align by SE(3): the estimate is metric")
    depth = parser.add_argument_group("depth")
    add_paths(depth, "DIR", depth_groundtruth="folder of 16-bit depth images")
    add_paths(depth, "FILE", depth_times="stamps, one row for each number in the file names")
    add_numbers(
        depth,
        depth_scale=(None, "their units per metre; without it 5000 beside depth.txt, else 1000"),
        depth_fps=(None, "file number / this = stamp in seconds"),
    )
    depth.add_argument(
        "--depth-intrinsics", metavar="fx,fy,cx,cy", help="of the depth images, when not the run's"
    )


def run(args: argparse.Namespace) -> int:
    """0 when the evaluation was made, 3 when the run has nothing to evaluate: no image was tracked,
    or none was found in the map that it was to be localised in.

    Raises:
        DensebaError: when the run or the ground truth cannot be read or do not overlap.
    """
    folder = RunFolder(args.folder)
    if nothing := _nothing_to_judge(folder.summary()):
        print(f"{args.folder}: {nothing}", file=sys.stderr)
        return NO_MAP
    groundtruth = read_groundtruth(args.groundtruth, args.times, args.fps)
    tolerance = (
        default_tolerance_ns(groundtruth.stamps_ns)
        if args.tolerance is None
        else round(args.tolerance * 1e9)
    )
    report, paths = _evaluate_paths(folder, groundtruth, tolerance, not args.no_scale)
    # What is known is kept, whatever fails after it.
    _write(args.folder, report)
    if args.depth_groundtruth is not None:
        truth = DepthTruth.open(
            args.depth_groundtruth,
            units_per_metre=args.depth_scale,
            intrinsics=args.depth_intrinsics,
            times=args.depth_times,
            fps=args.depth_fps,
        )
        # Keyframes of `denseba run` are in the map as it is at the end, recorded ones as it was.
        reports = pose_reports(report)
        in_map = reports["map"] if "odometry" in reports else reports.get("final", reports["map"])
        report["depth"] = evaluate_depth(folder, truth, in_map["trajectory"]["scale"])
        _write(args.folder, report)
    print(_text(report))
    _plot(args.folder, paths)
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)
    return DONE


def _nothing_to_judge(summary: dict[str, Any]) -> str:
    """Why a run has no pose to judge; empty where it has one."""
    if summary.get("map_started") is False:
        return no_map_in_words(summary)
    map = summary.get("map", {})
    if map.get("localised") is False:
        return "no place of the map was recognised: no pose in it is known"
    return ""


def _write(folder: Path, report: dict[str, Any]) -> None:
    (folder / EVALUATION).write_text(_text(report) + "\n")


def _text(report: dict[str, Any]) -> str:
    return json.dumps(_without_nan(report), indent=2)


def _plot(folder: Path, paths: dict[str, MatchedTrajectories]) -> None:
    for number, (pose, matched) in enumerate(paths.items()):
        # The plots of the pose that is judged first have the short names.
        prefix = "" if number == 0 else f"{pose}_"
        plot_path(folder / f"{prefix}path.png", matched, pose)
        plot_errors(folder / f"{prefix}errors.png", matched, pose)


def _evaluate_paths(
    folder: RunFolder, groundtruth: Trajectory, tolerance_ns: int, with_scale: bool
) -> tuple[dict[str, Any], dict[str, MatchedTrajectories]]:
    """The report without depth: of the one path of ``denseba run``, or a part for each pose.

    With the matched poses of each path, by its name.
    """
    summary = folder.summary()
    parts: dict[str, dict[str, Any]] = {}
    paths: dict[str, MatchedTrajectories] = {}
    notes = _notes(summary)
    for path in folder.paths():
        try:
            parts[path.pose], paths[path.pose] = path_report(
                path, groundtruth, tolerance_ns, with_scale
            )
        except TrajectoryError as error:
            if path.pose != "final":  # that may be of the end of a recording alone
                raise
            notes.append(f"final: {error}")
    common = {
        "timing": summary.get("timing", "unknown"),
        "frames": {k: summary[k] for k in FRAME_COUNTS if k in summary},
    }
    if "odometry" not in parts:  # of `denseba run`: the map's pose is the report
        in_map = parts.pop("map")
        notes = in_map.pop("notes") + notes + _by_pose(parts)
        return {**in_map, **common, **parts, "notes": notes}, paths
    notes += _by_pose(parts)
    return {**common, **parts, "notes": notes}, paths


def _by_pose(parts: dict[str, dict[str, Any]]) -> list[str]:
    """The notes of all parts, taken out of them."""
    return [f"{pose}: {note}" for pose, part in parts.items() for note in part.pop("notes")]


def _notes(summary: dict[str, Any]) -> list[str]:
    """What a reader of the figures must know of the run."""
    notes = []
    if summary.get("finished") is False:
        notes.append("the run did not finish: this is only its beginning")
    return notes + odometry_frames_notes(summary.get("odometry_frames", 1))


def _without_nan(value: Any) -> Any:
    """NaN and infinity as null: JSON has neither."""
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
