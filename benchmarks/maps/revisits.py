"""Errors between poses that see the same long after one another: what closing loops is for.

    python benchmarks/maps/revisits.py GROUNDTRUTH TRAJECTORY [TRAJECTORY ...]

Pairs of ground-truth poses more than 25 s apart in time, within 0.35 m and 30 degrees; the scale is
that of the alignment of the whole path.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.evaluation.trajectory.association import default_tolerance_ns
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    absolute_errors,
    match,
    relative_errors,
    relative_poses,
)
from denseba_ros.sequences.poses.pose_table import read_poses


def revisits(
    stamps_ns: np.ndarray, poses: np.ndarray, apart: float, distance: float, degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (M,) of earlier and later poses of T_world_camera (N, 4, 4) ``apart`` seconds or
    more, within ``distance`` metres and ``degrees``."""
    first, second = np.nonzero(stamps_ns[None] - stamps_ns[:, None] > apart * 1e9)
    T = relative_poses(poses, first, second)
    angle = np.degrees(Rotation.from_matrix(T[:, :3, :3]).magnitude())
    near = (np.linalg.norm(T[:, :3, 3], axis=1) < distance) & (angle < degrees)
    return first[near], second[near]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groundtruth", type=Path)
    parser.add_argument("trajectories", type=Path, nargs="+", metavar="TRAJECTORY")
    parser.add_argument("--apart", type=float, default=25.0, help="seconds")
    parser.add_argument("--distance", type=float, default=0.35, help="metres")
    parser.add_argument("--degrees", type=float, default=30.0)
    arguments = parser.parse_args()
    truth = read_groundtruth(arguments.groundtruth)
    print("| path | poses | ATE m | pairs | cm: median; 95 % | degrees: median; 95 % |")
    print("|---|---|---|---|---|---|")
    for path in arguments.trajectories:
        matched = match(read_poses(path), truth, default_tolerance_ns(truth.stamps_ns))
        limits = arguments.apart, arguments.distance, arguments.degrees
        pairs = revisits(matched.stamps_ns, matched.groundtruth, *limits)
        lengths, angles = relative_errors(matched, *pairs)
        ate = float(np.sqrt(np.mean(absolute_errors(matched) ** 2)))
        shares = [np.percentile(100 * lengths, (50, 95)), np.percentile(angles, (50, 95))]
        said = " | ".join(f"{median:.2f}; {most:.2f}" for median, most in shares)
        print(f"| {path} | {len(matched.stamps_ns)} | {ate:.4f} | {len(lengths)} | {said} |")


if __name__ == "__main__":
    main()
