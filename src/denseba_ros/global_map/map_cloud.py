"""The points of a map: a few of each keyframe, moved with it when the map is corrected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import Doubles

# Points that are known worse, relative deviation of the inverse depth, are left out.
_MAX_SIGMA = 0.1
# Of one keyframe: 4 kB.
_MOST = 256


class MapCloud:
    """``most`` points at most, shared out evenly among the keyframes of ``camera``."""

    def __init__(self, camera: Pinhole, most: int) -> None:
        self._camera, self._most = camera, most
        self._samples: dict[int, NDArray[np.float32]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._samples

    def add(self, keyframe: MapKeyframe) -> None:
        """Take points of a keyframe."""
        self._samples[keyframe.id] = _sample(keyframe, self._camera)

    def points(self, poses: Mapping[int, Doubles]) -> NDArray[np.float32]:
        """(N, 4) x, y, z in the map and grey value (0-255), of the keyframes whose S_map_camera
        (4, 4) ``poses`` gives by number, as far as they were added."""
        known = [(S, self._samples[n]) for n, S in poses.items() if n in self._samples]
        share = min(_MOST, self._most // max(len(known), 1))
        clouds = [np.empty((0, 4), np.float32)]
        for S, sample in known:
            cloud = sample[_spread(len(sample), share)].copy()
            cloud[:, :3] = sim3.apply(S, cloud[:, :3].astype(np.float64))
            clouds.append(cloud)
        return np.concatenate(clouds)


def _sample(keyframe: MapKeyframe, camera: Pinhole) -> NDArray[np.float32]:
    """(N, 4) x, y, z in the camera's axes and unit of a keyframe, and grey value."""
    known = np.flatnonzero((keyframe.relative_sigma < _MAX_SIGMA) & (keyframe.inverse_depth > 0.0))
    chosen = known[_spread(len(known), _MOST)]
    u, v = keyframe.pixels[chosen].T
    depth = 1.0 / keyframe.inverse_depth[chosen]
    x, y = (u - camera.cx) / camera.fx * depth, (v - camera.cy) / camera.fy * depth
    height, width = keyframe.image.shape
    columns, rows = (np.rint(a).astype(int) for a in (u, v))
    grey = keyframe.image[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    return np.stack([x, y, depth, grey], axis=1).astype(np.float32)


def _spread(length: int, count: int) -> NDArray[np.int64]:
    """Up to ``count`` numbers below ``length``, evenly spread."""
    return np.linspace(0, length - 1, min(count, length)).round().astype(np.int64)
