"""Localisation in a saved map from random images of another part of its sequence, without a hint.

    denseba run SEQUENCE --start 420 --count 980 --out RUN --save-map MAP
    python benchmarks/maps/random_starts.py SEQUENCE MAP GROUNDTRUTH --first 1500 --last 2290

In lockstep. The map is laid upon the ground truth by its own keyframes, and errors are those of the
poses that are told after a place was recognised.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import Similarity, umeyama
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.true_pose import true_pose
from denseba_ros.geometry import sim3
from denseba_ros.global_map.map_session import begin_map_session
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.system import System

# From so many degrees on a pose is wrong.
_WRONG = 10.0


@dataclass
class Start:
    """Seconds after which a place was recognised, None: it was not, and errors since, in metres
    and degrees."""

    seconds: float | None = None
    metres: list[float] = field(default_factory=list)
    degrees: list[float] = field(default_factory=list)

    def is_wrong(self, metres: float) -> bool:
        """Whether a pose was told that is far off: ``metres`` or more, or turned."""
        worst = max(self.metres, default=0.0), max(self.degrees, default=0.0)
        return worst[0] > metres or worst[1] > _WRONG


def on_truth(file: Path, truth: Trajectory) -> Similarity:
    """The similarity that lays the keyframes of a map upon the ground truth."""
    with MapReader(file) as reader:
        entries = reader.entries()
    known = [(entry, true_pose(truth, entry.stamp_ns)) for entry in entries]
    pairs = [(entry.S_map_camera[:3, 3], T[:3, 3]) for entry, T in known if T is not None]
    return umeyama(*(np.array(side) for side in zip(*pairs, strict=True)))


def localised(
    arguments: argparse.Namespace, first: int, truth: Trajectory, to_truth: Similarity
) -> Start:
    """Localise in the map from image ``first`` on, for some seconds of images."""
    sequence = open_sequence(arguments.sequence, start=first)
    config = Config.from_dict({"map": {"mode": "localisation", "file": str(arguments.map)}})
    system, result, began_ns = System(config, sequence.calibration), Start(), None
    session = begin_map_session(config, system, is_live=False)
    if session is None:
        raise SystemExit("localisation needs denseba_ros[matching]")
    with session:
        for frame in sequence:
            began_ns = frame.stamp_ns if began_ns is None else began_ns
            seconds = (frame.stamp_ns - began_ns) / 1e9
            if seconds > arguments.seconds:
                break
            estimate, _ = session.follow(system.process(frame.stamp_ns, frame.image))
            T = true_pose(truth, frame.stamp_ns)
            if not session.is_joined:
                continue
            result.seconds = seconds if result.seconds is None else result.seconds
            if estimate.is_measured and T is not None:
                error = sim3.inverse(T) @ to_truth.poses(estimate.T_world_camera[None])[0]
                result.metres.append(float(np.linalg.norm(error[:3, 3])))
                turn = Rotation.from_matrix(error[:3, :3]).magnitude()
                result.degrees.append(float(np.degrees(turn)))
    return result


def add_start_arguments(parser: argparse.ArgumentParser, seconds: float) -> None:
    """The sequence, its map and ground truth, and which images to start from; ``seconds`` of images
    from each start by default."""
    parser.add_argument("sequence", type=Path)
    parser.add_argument("map", type=Path)
    parser.add_argument("groundtruth", type=Path)
    parser.add_argument("--first", type=int, required=True, help="first image of a start")
    parser.add_argument("--last", type=int, required=True, help="the image after the last")
    parser.add_argument("--every", type=int, help="all starts so far apart, instead of random ones")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=seconds, help="of images from each start")
    parser.add_argument("--seed", type=int, default=0)


def starts_of(arguments: argparse.Namespace) -> list[int]:
    """The images to start from."""
    if arguments.every:
        return list(range(arguments.first, arguments.last, arguments.every))
    random = np.random.default_rng(arguments.seed)
    starts = random.integers(arguments.first, arguments.last, arguments.starts)
    return sorted(starts.tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_start_arguments(parser, seconds=3.0)
    parser.add_argument("--wrong", type=float, default=0.3, help="metres by which a pose is wrong")
    arguments = parser.parse_args()
    truth = read_groundtruth(arguments.groundtruth)
    to_truth = on_truth(arguments.map, truth)
    results = []
    for first in starts_of(arguments):
        result = localised(arguments, first, truth, to_truth)
        said = "not localised" if result.seconds is None else f"after {result.seconds:.2f} s"
        if result.metres:
            errors = np.median(result.metres), np.median(result.degrees)
            said += ", {:.3f} m, {:.2f} degrees".format(*errors)
        print(f"{first}: {said}{' WRONG' if result.is_wrong(arguments.wrong) else ''}", flush=True)
        results.append(result)
    times = [r.seconds for r in results if r.seconds is not None]
    print(
        f"{sum(t <= 2.0 for t in times)} of {len(results)} within 2 s, {len(times)} ever, "
        f"{sum(r.is_wrong(arguments.wrong) for r in results)} wrong"
    )


if __name__ == "__main__":
    main()
