"""How near a saved map's keyframes come to the images of random starts: which could be localised?

    python benchmarks/maps/within_reach.py SEQUENCE MAP GROUNDTRUTH --first 1500 --last 2290

For each start of ``random_starts.py``: of all keyframes and of its images, every fifth, the pair
that shares most, by the true pose and the keyframe's depth, among those seen from at most 45
degrees and 0.6 of the median depth aside.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from random_starts import add_start_arguments, on_truth, starts_of
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import Similarity
from denseba_ros.evaluation.trajectory.groundtruth import read_groundtruth
from denseba_ros.evaluation.trajectory.true_pose import true_pose
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import sim3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.sequences.opening import open_sequence
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL

_DEGREES, _ASIDE, _EVERY = 45.0, 0.6, 5


class View(NamedTuple):
    """A keyframe seen from an image: the shared part of the keyframe, how far aside, in metres and
    of its median depth, and the angle in degrees."""

    shared: float
    metres: float
    aside: float
    degrees: float

    @property
    def is_near(self) -> bool:
        """Whether features could match."""
        return self.aside <= _ASIDE and self.degrees <= _DEGREES


class Keyframes:
    """The keyframes of a map in the frame of the ground truth."""

    def __init__(self, file: Path, to_truth: Similarity, camera: Pinhole) -> None:
        self._camera, self._places = camera, []
        with MapReader(file) as reader:
            for entry in reader.entries():
                scale = float(sim3.scale(entry.S_map_camera))
                T = entry.S_map_camera.copy()
                T[:3, :3] /= scale
                keyframe = reader.load_keyframe(entry.id)
                self._places.append(
                    (to_truth.poses(T[None])[0], to_truth.scale * scale, _points(keyframe, camera))
                )

    def best(self, T_world_camera: np.ndarray) -> View:
        """The near keyframe that shares most with an image; shared 0 where none does."""
        views = [self._view(T_world_camera, *place) for place in self._places]
        return max(view if view.is_near else view._replace(shared=0.0) for view in views)

    def _view(self, T: np.ndarray, T_keyframe: np.ndarray, unit: float, points: np.ndarray) -> View:
        relative = np.linalg.inv(T) @ T_keyframe
        metres = float(np.linalg.norm(relative[:3, 3]))
        X = unit * points @ relative[:3, :3].T + relative[:3, 3]
        c, z = self._camera, np.maximum(X[:, 2], 1e-6)
        u, v = c.fx * X[:, 0] / z + c.cx, c.fy * X[:, 1] / z + c.cy
        seen = (X[:, 2] > 0) & (u >= 0) & (u < c.width) & (v >= 0) & (v < c.height)
        degrees = np.degrees(Rotation.from_matrix(relative[:3, :3]).magnitude())
        aside = metres / (unit * float(np.median(points[:, 2])))
        return View(float(seen.mean()), metres, aside, float(degrees))


def _points(keyframe: MapKeyframe, camera: Pinhole) -> np.ndarray:
    """Points (N, 3) of the dense depth in the keyframe's frame and unit."""
    inverse_depth = torch.from_numpy(np.array(keyframe.inverse_depth_map[0], np.float32))
    h, w = inverse_depth.shape
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    pixels = (torch.stack([x, y], -1).reshape(-1, 2) + 0.5) * (1 << GRID_LEVEL) - 0.5
    rays = camera.rays(pixels) / inverse_depth.reshape(-1, 1)
    return rays.numpy().astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_start_arguments(parser, seconds=2.0)
    arguments = parser.parse_args()
    truth = read_groundtruth(arguments.groundtruth)
    calibration = open_sequence(arguments.sequence, count=1).calibration
    rectified = Frontend(Config.from_dict({}), calibration).rectifier.calibration
    camera = Pinhole.from_calibration(rectified)
    keyframes = Keyframes(arguments.map, on_truth(arguments.map, truth), camera)
    stamps = [frame.stamp_ns for frame in open_sequence(arguments.sequence)]
    starts = starts_of(arguments)
    reached = 0
    for first in starts:
        until = stamps[first] + round(arguments.seconds * 1e9)
        poses = [true_pose(truth, s) for s in stamps[first::_EVERY] if s <= until]
        best = max(keyframes.best(T) for T in poses if T is not None)
        reached += best.shared > 0
        print(
            f"{first}: {best.shared:.0%} of a keyframe shared, {best.metres:.2f} m "
            f"({best.aside:.0%} of the depth) and {best.degrees:.0f} degrees aside"
            if best.shared > 0
            else f"{first}: no keyframe within reach"
        )
    print(f"{reached} of {len(starts)} have a keyframe within reach in {arguments.seconds:g} s")


if __name__ == "__main__":
    main()
