"""The path of a run, pressed together across the view as a recording with a wrong focal length is.

python benchmarks/pressed.py RUN SEQUENCE [--factors 1.0 1.114 ...]
prints the absolute trajectory error, with the recorded rotations, for each factor.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from denseba_ros.evaluation.results.run_folder import TRAJECTORY
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    ErrorStatistics,
    absolute_errors,
    match,
)
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.poses.pose_table import read_poses
from denseba_ros.sequences.trajectory import Trajectory

_TOLERANCE_NS = 20_000_000
_FACTORS = (1.0, 1.03, 1.06, 1.09, 1.114, 1.14, 1.2)


def pressed(T: np.ndarray, recorded: np.ndarray, factor: float) -> np.ndarray:
    """Poses (N, 4, 4) with the steps of ``T`` divided by ``factor`` along x and y of the camera and
    taken along the axes of the ``recorded`` cameras."""
    steps = np.einsum("kji,kj->ki", T[:-1, :3, :3], np.diff(T[:, :3, 3], axis=0))
    steps = steps / [factor, factor, 1.0]
    result = recorded.copy()
    result[0, :3, 3] = 0.0
    result[1:, :3, 3] = np.cumsum(np.einsum("kij,kj->ki", recorded[:-1, :3, :3], steps), axis=0)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--factors", type=float, nargs="+", default=_FACTORS)
    arguments = parser.parse_args()
    truth = open_sequence(arguments.sequence, fps=1.0).groundtruth()
    assert truth is not None
    matched = match(read_poses(arguments.run / TRAJECTORY), truth, _TOLERANCE_NS)
    stamps = np.arange(len(matched.aligned)) * 10 * _TOLERANCE_NS
    recorded = Trajectory(stamps, matched.groundtruth)
    for factor in arguments.factors:
        path = Trajectory(stamps, pressed(matched.aligned, matched.groundtruth, factor))
        again = match(path, recorded, _TOLERANCE_NS)
        rmse = ErrorStatistics.of(absolute_errors(again)).rmse
        print(f"{factor:.3f}  {rmse:.4f} m")


if __name__ == "__main__":
    main()
