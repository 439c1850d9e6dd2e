"""The path of all images, each held by its keyframe: when that is corrected, so is the path."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import sim3
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.mapping.local_map import LocalMap


class ImagePath:
    """Stamps of tracked images and their poses relative to a keyframe; 120 bytes an image."""

    def __init__(self) -> None:
        self._stamps, self._keyframes = array("q"), array("q")
        self._poses, self._units = array("d"), array("d")

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamp_ns: int, T_world_camera: Doubles, local_map: LocalMap, unit: float) -> None:
        """An image that was tracked against the newest keyframe of ``local_map``; ``unit`` of the
        window (``KeyframeGraph``)."""
        newest = local_map.newest
        T_keyframe_camera = newest.T.cpu().numpy() @ T_world_camera
        self._stamps.append(stamp_ns)
        self._keyframes.append(newest.stamp_ns)
        self._poses.extend(T_keyframe_camera[:3].ravel())
        self._units.append(unit)

    def corrected(
        self, graph: KeyframeGraph, local_map: LocalMap | None
    ) -> tuple[NDArray[np.int64], Doubles]:
        """Stamps (N,) and poses T_map_camera (N, 4, 4) as the map has them now; images whose
        keyframe is not in the map are left out."""
        now = {} if local_map is None else local_map.poses()
        stamps, poses = [], []
        rows = np.array(self._poses).reshape(-1, 3, 4)
        for i, (stamp, keyframe) in enumerate(zip(self._stamps, self._keyframes, strict=True)):
            number = graph.number(keyframe)
            S = None if number is None else graph.pose(number)
            if S is None and keyframe in now:
                S = graph.S_map_world @ now[keyframe]
            if S is None:
                continue
            T = np.vstack([rows[i], [0.0, 0.0, 0.0, 1.0]])
            unit = graph.unit if number is None else graph.unit_of(number)
            T[:3, 3] *= np.exp(unit - self._units[i])
            stamps.append(stamp)
            poses.append(sim3.rigid(S @ T))
        return np.array(stamps, np.int64), np.array(poses, np.float64).reshape(-1, 4, 4)
