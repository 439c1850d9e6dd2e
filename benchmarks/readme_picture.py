"""The picture at the top of the README: map and path of one run, depth of keyframes of another.

python benchmarks/readme_picture.py MAP_RUN GROUNDTRUTH DEPTH_RUN docs/demo.png
where both runs are folders that `denseba run` wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.trajectory_metrics import absolute_errors, match, path_length
from denseba_ros.sequences.poses.pose_table import read_poses

_PANELS = 4
_VERTEX = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])


def read_points(path: Path) -> np.ndarray:
    """Points (N, 3) of a PLY that `denseba run` wrote."""
    data = path.read_bytes()
    body = data[data.index(b"end_header\n") + len(b"end_header\n") :]
    return np.frombuffer(body, _VERTEX)["xyz"].astype(np.float64)


def draw_map(axis: Axes, run: Path, groundtruth: Path) -> None:
    """Points, estimated path and true path from above, in the ground truth's metres."""
    matched = match(
        read_poses(run / "trajectory.txt"), read_groundtruth(groundtruth), tolerance_ns=20_000_000
    )
    points = matched.alignment.points(read_points(run / "points.ply"))
    path, true = matched.aligned[:, :3, 3], matched.groundtruth[:, :3, 3]
    error = np.sqrt((absolute_errors(matched) ** 2).mean())
    length = path_length(true)
    near = np.abs(points[:, 1] - np.median(path[:, 1])) < 6.0
    points = points[near]
    axis.scatter(points[:, 0], points[:, 2], s=0.05, c=-points[:, 1], cmap="viridis", lw=0)
    axis.plot(true[:, 0], true[:, 2], color="black", lw=3, label="ground truth")
    axis.plot(path[:, 0], path[:, 2], color="tab:red", lw=1.3, label="estimate")
    axis.set(xlabel="x [m]", ylabel="z [m]", aspect="equal")
    axis.set_xlim(path[:, 0].min() - 35, path[:, 0].max() + 35)
    axis.set_ylim(path[:, 2].min() - 35, path[:, 2].max() + 35)
    axis.legend(loc="upper left")
    axis.set_title(
        f"{run.name}: {error:.2f} m RMSE over {length:.0f} m, one camera, no loop closure"
    )


def draw_depth(axes: list[Axes], run: Path) -> None:
    """Estimated depth of evenly spaced keyframes, near is bright."""
    files = sorted((run / "depth").glob("*.png"), key=lambda f: int(f.stem))
    chosen = [files[k] for k in np.linspace(0, len(files) - 1, len(axes) + 2).astype(int)[1:-1]]
    for axis, file in zip(axes, chosen, strict=True):
        depth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED).astype(np.float64)
        inverse = np.where(depth > 0, 1.0 / np.maximum(depth, 1.0), np.nan)
        axis.imshow(inverse, cmap="inferno", vmax=np.nanpercentile(inverse, 99))
        axis.set_title(f"depth, {int(file.stem) * 1e-9:.1f} s", fontsize=9)
        axis.axis("off")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map_run", type=Path)
    parser.add_argument("groundtruth", type=Path)
    parser.add_argument("depth_run", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    figure = plt.figure(figsize=(12, 6), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    draw_map(figure.add_subplot(grid[:, :2]), args.map_run, args.groundtruth)
    axes = [figure.add_subplot(grid[k // 2, 2 + k % 2]) for k in range(_PANELS)]
    draw_depth(axes, args.depth_run)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, dpi=100)


if __name__ == "__main__":
    main()
