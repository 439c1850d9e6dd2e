"""Picture of a path without and with the map, over the true one, from above.

    python docs/generators/map_picture.py shared/data/bedroom_loop docs/figures/map_path.png

runs on the sequence (minutes), with the default configuration and a map.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.global_map.map_session import begin_map_session
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.slam.system import System

# Largest difference of the stamps of an image and of its true pose, nanoseconds.
_TOLERANCE = 3_000_000


@dataclass(frozen=True)
class Path2:
    """``stamps`` (N,) and ``positions`` (N, 3) of a path, and those (M, 2, 3) of its closures."""

    stamps: np.ndarray
    positions: np.ndarray
    closures: np.ndarray


def paths(sequence: str, count: int | None) -> tuple[Path2, Path2]:
    """The path as odometry has it, and as the map has it at the end; of the first ``count`` images.

    Raises:
        SystemExit: the package of the features is missing.
    """
    images = open_sequence(sequence, count=count)
    config = Config.from_dict({"map": {"mode": "mapping"}})
    system = System(config, images.calibration)
    session = begin_map_session(config, system, is_live=False)
    if session is None:
        raise SystemExit("the map needs denseba_ros[matching]")
    stamps, positions = list[int](), list[np.ndarray]()
    with session:
        for image in images:
            estimate = system.process(image.stamp_ns, image.image)
            session.follow(estimate)
            if estimate.is_measured:
                stamps.append(image.stamp_ns)
                positions.append(estimate.T_world_camera[:3, 3])
        session.finish()
        session.adjust()
        graph, (corrected_stamps, corrected) = session.global_map.graph.whole(), session.path()
    pairs = [(e.first, e.second) for e in graph.edges if e.is_closure]
    ends = [[graph.poses[n][:3, 3] for n in pair] for pair in pairs]
    without = Path2(np.array(stamps), np.array(positions), np.empty((0, 2, 3)))
    closures = np.array(ends).reshape(-1, 2, 3)
    return without, Path2(corrected_stamps, corrected[:, :3, 3], closures)


def draw(axes: Axes, path: Path2, truth: tuple[np.ndarray, np.ndarray], title: str) -> None:
    """Draw a path, aligned with the ``truth``: stamps (N,), positions (N, 3)."""
    stamps, true = truth
    rows = np.array([np.argmin(np.abs(path.stamps - stamp)) for stamp in stamps])
    near = np.abs(path.stamps[rows] - stamps) < _TOLERANCE
    fit = umeyama(path.positions[rows[near]], true[near])
    error = np.linalg.norm(fit.points(path.positions[rows[near]]) - true[near], axis=1)
    _, _, axes_of_truth = np.linalg.svd(true - true.mean(axis=0), full_matrices=False)

    def seen(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = (points - true.mean(axis=0)) @ axes_of_truth[:2].T
        return flat[..., 0], flat[..., 1]

    axes.plot(*seen(true), ".", color="0.6", markersize=4, label="true")
    x, y = seen(fit.points(path.positions))
    seconds = 1e-9 * (path.stamps - path.stamps[0])
    axes.scatter(x, y, c=seconds, s=1.5, cmap="viridis")
    for pair in path.closures:
        axes.plot(*seen(fit.points(pair)), color="red", linewidth=0.6)
    rms = float(np.sqrt(np.mean(error**2)))
    axes.set_title(f"{title}: ATE {100 * rms:.1f} cm")
    axes.set_aspect("equal")
    axes.set_xlabel("m")


def main() -> None:
    """Run, draw and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sequence")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--count", type=int, help="number of images; without it all")
    arguments = parser.parse_args()
    file = Path(arguments.sequence) / "groundtruth.txt"
    given = read_groundtruth(file if file.exists() else Path(arguments.sequence))
    truth = np.asarray(given.stamps_ns), np.asarray(given.T_world_camera)[:, :3, 3]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), sharex=True, sharey=True)
    without, corrected = paths(arguments.sequence, arguments.count)
    draw(left, without, truth, "without the map")
    draw(right, corrected, truth, f"with it, {len(corrected.closures)} closures in red")
    left.legend(loc="best", fontsize=8)
    figure.tight_layout()
    figure.savefig(arguments.picture, dpi=90)


if __name__ == "__main__":
    main()
