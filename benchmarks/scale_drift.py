"""How fast the map's scale should follow the depth model: error of the path over `scale_drift`.

    python benchmarks/scale_drift.py SEQUENCE --out RUN [--set KEY=VALUE]

One run whose scale is free after the start, over which the filter is replayed with every drift.
What another scale would have done to the tracking is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np

from denseba_ros.cli.main import main as denseba
from denseba_ros.evaluation.results.run_folder import TRAJECTORY
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    ErrorStatistics,
    absolute_errors,
    match,
)
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.system import System

_DRIFTS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05)
_TOLERANCE_NS = 20_000_000
_TOLD = "scale.npz"


def record(arguments: argparse.Namespace) -> None:
    """Run without scale correction; write the filter's inputs (N, 3) and the stamps (N,)."""
    inputs: list[tuple[float, float, float]] = []
    stamps: list[int] = []
    now = 0
    process = System.process

    def timed(system: System, stamp_ns: int, *images: np.ndarray | None) -> object:
        nonlocal now
        now = stamp_ns
        return process(system, stamp_ns, *images)

    def free(_: ScaleDriftFilter, measured: float, disagreement: float, travel: float) -> float:
        inputs.append((measured, disagreement, travel))
        stamps.append(now)
        return 0.0

    settings = [part for value in arguments.set for part in ("--set", value)]
    source = [str(arguments.sequence), "--out", str(arguments.out), "--start", str(arguments.start)]
    with patch.object(ScaleDriftFilter, "update", free), patch.object(System, "process", timed):
        status = denseba(["run", *source, *settings])
    if status:
        raise SystemExit(f"denseba run ended with status {status}")
    np.savez(arguments.out / _TOLD, inputs=np.array(inputs), stamps=np.array(stamps))


def replayed(path: Trajectory, stamps: np.ndarray, inputs: np.ndarray, drift: float) -> Trajectory:
    """The path with scale correction; ``inputs`` (N, 3) and ``stamps`` (N,) as ``record`` wrote."""
    anchor, grown = ScaleDriftFilter(drift), 0.0
    poses = path.T_world_camera.copy()
    growth = np.zeros(len(poses) - 1)
    places = np.searchsorted(path.stamps_ns, stamps)
    for place, (measured, disagreement, travel) in zip(places, inputs, strict=True):
        grown += anchor.update(measured - grown, disagreement, travel)
        growth[place:] = grown
    steps = np.diff(poses[:, :3, 3], axis=0) * np.exp(growth)[:, None]
    poses[1:, :3, 3] = poses[0, :3, 3] + np.cumsum(steps, axis=0)
    return Trajectory(path.stamps_ns, poses)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; kept if there")
    parser.add_argument("--start", type=int, default=0, help="first image")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--groundtruth", type=Path, help="TUM file (default: the sequence's)")
    parser.add_argument("--drifts", type=float, nargs="+", default=_DRIFTS)
    arguments = parser.parse_args()
    if not (arguments.out / _TOLD).exists():
        record(arguments)
    path = read_poses(arguments.out / TRAJECTORY)
    truth = read_groundtruth(arguments.groundtruth or arguments.sequence)
    record_of = np.load(arguments.out / _TOLD)
    print(f"free   {_error(path, truth):.4f} m")
    for drift in arguments.drifts:
        held = replayed(path, record_of["stamps"], record_of["inputs"], drift)
        print(f"{drift:<6} {_error(held, truth):.4f} m")


def _error(path: Trajectory, truth: Trajectory) -> float:
    return ErrorStatistics.of(absolute_errors(match(path, truth, _TOLERANCE_NS))).rmse


if __name__ == "__main__":
    main()
