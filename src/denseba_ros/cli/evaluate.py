"""``denseba evaluate``: a run against ground truth; JSON on stdout, plots in its folder."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from denseba_ros.cli.exit_status import DONE
from denseba_ros.cli.options.kinds import add_numbers, add_paths, add_switches
from denseba_ros.evaluation.depth.run_depth_evaluation import DepthTruth, evaluate_depth
from denseba_ros.evaluation.results.plots import plot_errors, plot_path
from denseba_ros.evaluation.results.run_folder import EVALUATION, TRAJECTORY, RunFolder
from denseba_ros.evaluation.trajectory.association import default_tolerance_ns
from denseba_ros.evaluation.trajectory.evo_check import disagreements, evo_report
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.nees import nees_report
from denseba_ros.evaluation.trajectory.trajectory_metrics import match, trajectory_report
from denseba_ros.sequences.trajectory import Trajectory, read_tum

FRAME_COUNTS = (
    "frames_expected",
    "frames_unreadable",
    "frames",
    "tracked",
    "initialising",
    "lost",
    "keyframes",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``denseba evaluate``."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `denseba run --out` wrote")
    parser.add_argument(
        "--groundtruth",
        type=Path,
        required=True,
        metavar="PATH",
        help="TUM file, KITTI pose file, or a sequence folder that brings its poses",
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
    """0 when the evaluation was made.

    Raises:
        DensebaError: when the run or the ground truth cannot be read or do not overlap.
    """
    folder = RunFolder(args.folder)
    groundtruth = read_groundtruth(args.groundtruth, args.times, args.fps)
    tolerance = (
        default_tolerance_ns(groundtruth.stamps_ns)
        if args.tolerance is None
        else round(args.tolerance * 1e9)
    )
    report = _evaluate_trajectory(folder, groundtruth, tolerance, not args.no_scale)
    if args.depth_groundtruth is not None:
        truth = DepthTruth.open(
            args.depth_groundtruth,
            units_per_metre=args.depth_scale,
            intrinsics=args.depth_intrinsics,
            times=args.depth_times,
            fps=args.depth_fps,
        )
        report["depth"] = evaluate_depth(folder, truth, report["trajectory"]["scale"])
    text = json.dumps(_without_nan(report), indent=2)
    (args.folder / EVALUATION).write_text(text + "\n")
    print(text)
    for note in report["notes"]:
        print(f"note: {note}", file=sys.stderr)
    return DONE


def _evaluate_trajectory(
    folder: RunFolder, groundtruth: Trajectory, tolerance_ns: int, with_scale: bool
) -> dict[str, Any]:
    path = folder.path / TRAJECTORY
    estimate, summary = read_tum(path), folder.summary()
    matched = match(estimate, groundtruth, tolerance_ns, with_scale)
    ours = trajectory_report(matched)
    theirs = evo_report(path, groundtruth, tolerance_ns, with_scale)
    notes = (
        ["evo is not installed: errors by our own formulas only (pip install evo)"]
        if theirs is None
        else [f"our error and evo's differ: {d}" for d in disagreements(ours, theirs)]
    )
    if summary.get("finished") is False:
        notes.append("the run did not finish: this is only its beginning")
    covariances = folder.covariances(estimate)
    if covariances is None:
        notes.append("no covariances of this trajectory: no NEES")
    plot_path(folder.path / "path.png", matched)
    plot_errors(folder.path / "errors.png", matched)
    return {
        "alignment": "Sim(3)" if with_scale else "SE(3)",
        "tolerance_seconds": tolerance_ns / 1e9,
        "estimated_poses": len(estimate),
        "groundtruth_poses": len(groundtruth),
        "frames": {k: summary[k] for k in FRAME_COUNTS if k in summary},
        "trajectory": ours,
        "evo": theirs,
        "nees": None
        if covariances is None
        else nees_report(matched, covariances[matched.estimate_index]),
        "notes": notes,
    }


def _without_nan(value: Any) -> Any:
    """NaN and infinity as null: JSON has neither."""
    if isinstance(value, dict):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
