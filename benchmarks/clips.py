"""Short clips from everywhere in real sequences, some at a fraction of the image rate: how often a
start fails, images are lost, or the scale runs away, which four long runs do not tell.

python benchmarks/clips.py DATA [--set NAME=VALUE ...]
prints a table: error of the path in percent of its length, median and worst of the clips.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from denseba_ros.cli.options.configuration import add_config_options, config_from_options
from denseba_ros.config import Config
from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.trajectory_metrics import match
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.system import System

_TOLERANCE_NS = 10_000_000


@dataclass(frozen=True)
class Clips:
    """Clips of ``images`` images, every ``stride``-th, from each of the ``starts``."""

    folder: str
    starts: range
    images: int
    stride: int = 1


CLIPS = {
    "HoloLens walk": Clips("hololens_000", range(0, 310, 18), 60),
    "redkitchen, 10 images/s": Clips("7scenes_redkitchen_seq01", range(0, 730, 180), 90, 3),
    "redkitchen, 4 images/s": Clips("7scenes_redkitchen_seq01", range(0, 501, 250), 60, 8),
    "KITTI raw": Clips("kitti_raw_0926", range(30, 271, 80), 80),
    "KITTI 00": Clips("kitti_odometry_00", range(0, 81, 40), 80),
}


def run_clip(data: Path, clips: Clips, start: int, config: Config) -> tuple[float, float]:
    """Error of the path in percent of its length, and the ratio of tracked images."""
    count = clips.images * clips.stride
    sequence = open_sequence(data / clips.folder, start=start, count=count)
    truth = sequence.groundtruth()
    assert truth is not None
    system = System(config, sequence.calibration)
    stamps, poses, images = [], [], 0
    for number, frame in enumerate(sequence):
        if number % clips.stride:
            continue
        images += 1
        estimate = system.process(frame.stamp_ns, frame.image)
        if estimate.tracking is Tracking.TRACKING:
            stamps.append(frame.stamp_ns)
            poses.append(estimate.T_world_camera)
    try:
        path = Trajectory(np.array(stamps, np.int64), np.array(poses))
        matched = match(path, truth, _TOLERANCE_NS)
    except TrajectoryError:
        return 100.0, len(stamps) / images
    true, found = (p[:, :3, 3] for p in (matched.groundtruth, matched.aligned))
    length = np.linalg.norm(np.diff(true, axis=0), axis=1).sum()
    rmse = np.sqrt(((found - true) ** 2).sum(1).mean())
    return float(100.0 * rmse / length), len(stamps) / images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    add_config_options(parser)
    arguments = parser.parse_args()
    config = config_from_options(arguments)
    print("| clips | number | median error | worst error | images tracked |\n|---|---|---|---|---|")
    for name, clips in CLIPS.items():
        results = np.array(
            [
                run_clip(arguments.data, clips, start, config)
                for start in tqdm(clips.starts, desc=name, unit="clip", file=sys.stderr)
            ]
        )
        error, tracked = results.T
        print(
            f"| {name} | {len(error)} | {np.median(error):.2f} % | {error.max():.2f} % "
            f"| {100 * tracked.mean():.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
