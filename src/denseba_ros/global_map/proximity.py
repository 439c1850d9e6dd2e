"""Keyframes of the map that should see the same as the present one, by where both are in the map.

Where looks alone leave a place out, the map itself tells it, once it has been closed near by
(proximity detection: Labbe, Michaud, "RTAB-Map as an open-source lidar and visual SLAM library",
JFR 36(2), 2019, section 3.6).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles

# Largest distance, over the depth of the scene, and angle between both views.
_MAX_DISTANCE, _MAX_ANGLE = 0.4, np.radians(30.0)


def nearby(
    poses: Mapping[int, Doubles], number: int, depth: float, excluded: Collection[int], count: int
) -> list[int]:
    """Numbers of up to ``count`` keyframes close to keyframe ``number``, closest first.

    ``poses`` S_map_camera (4, 4); ``depth`` of the scene that the keyframe sees, in its own unit.
    """
    others = [other for other in poses if other != number and other not in excluded]
    if not others:
        return []
    S_camera_other = sim3.inverse(poses[number]) @ np.stack([poses[other] for other in others])
    distance = np.linalg.norm(S_camera_other[:, :3, 3], axis=-1) / max(depth, 1e-9)
    trace = np.trace(sim3.rigid(S_camera_other)[:, :3, :3], axis1=1, axis2=2)
    angle = np.arccos(np.clip(0.5 * (trace - 1.0), -1.0, 1.0))
    far = distance / _MAX_DISTANCE + angle / _MAX_ANGLE
    close = (distance < _MAX_DISTANCE) & (angle < _MAX_ANGLE)
    best = [row for row in np.argsort(far, kind="stable").tolist() if close[row]]
    return [others[row] for row in best[:count]]
