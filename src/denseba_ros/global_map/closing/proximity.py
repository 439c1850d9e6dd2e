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


# The same of two keyframes that show one another's scene so well that one of them is enough; the
# angle as a share of the field of view.
_SAME_DISTANCE, _SAME_ANGLE = 0.12, 0.15


def is_same_view(S_one_other: Doubles, depth: float, field_of_view: float) -> bool:
    """Whether keyframe ``other`` shows hardly more than ``one``, whose scene has this ``depth``;
    ``field_of_view`` (radians) of the camera, the larger one."""
    distance, angle = distances_and_angles(S_one_other[None])
    is_close = distance[0] < _SAME_DISTANCE * depth
    return bool(is_close and angle[0] < _SAME_ANGLE * field_of_view)


def is_same_place(S_map_one: Doubles, S_map_other: Doubles, depth: float) -> bool:
    """Whether two cameras that see a scene of this ``depth``, in the map's unit, may be near enough
    to each other to see the same."""
    S_map_one = sim3.rigid(S_map_one)
    distance, angle = distances_and_angles((sim3.inverse(S_map_one) @ S_map_other)[None])
    return bool(distance[0] < _MAX_DISTANCE * depth and angle[0] < _MAX_ANGLE)


def nearby(
    poses: Mapping[int, Doubles],
    number: int,
    depth: float,
    excluded: Collection[int],
    count: int,
    reach: float = 1.0,
) -> list[int]:
    """Numbers of up to ``count`` keyframes close to keyframe ``number``, closest first.

    ``poses`` S_map_camera (4, 4); ``depth`` of the scene that the keyframe sees, in its own unit;
    ``reach``: times as far and as much turned may they be as where poses are measured.
    """
    others = [other for other in poses if other != number and other not in excluded]
    if not others:
        return []
    S_camera_other = sim3.inverse(poses[number]) @ np.stack([poses[other] for other in others])
    distance, angle = distances_and_angles(S_camera_other)
    distance = distance / max(depth, 1e-9)
    far = distance / _MAX_DISTANCE + angle / _MAX_ANGLE
    close = (distance < reach * _MAX_DISTANCE) & (angle < reach * _MAX_ANGLE)
    best = [row for row in np.argsort(far, kind="stable").tolist() if close[row]]
    return [others[row] for row in best[:count]]


def distances_and_angles(S: Doubles) -> tuple[Doubles, Doubles]:
    """Lengths (N,) in the unit of the left frame, and angles (N,) of similarities (N, 4, 4)."""
    trace = np.trace(sim3.rigid(S)[:, :3, :3], axis1=1, axis2=2)
    distance: Doubles = np.linalg.norm(S[:, :3, 3], axis=-1)
    return distance, np.arccos(np.clip(0.5 * (trace - 1.0), -1.0, 1.0))
