"""The path of all images, each held by its keyframe: when that is corrected, so is the path."""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry import pose_step, sim3
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.mapping.local_map import LocalMap


class ImagePath:
    """Stamps of tracked images and their poses relative to a keyframe; 120 bytes an image."""

    def __init__(self) -> None:
        self._stamps, self._keyframes = array("q"), array("q")
        self._poses, self._units = array("d"), array("d")
        self._window: LocalMap | None = None

    def __len__(self) -> int:
        return len(self._stamps)

    def add(
        self, stamp_ns: int, T_world_camera: Doubles, local_map: LocalMap, graph: KeyframeGraph
    ) -> None:
        """An image that was tracked against the newest keyframe of ``local_map``; ``graph`` has
        taken in what changed the window until then."""
        if self._window is not None and self._window is not local_map:
            self._hand_over(self._window, local_map, graph)
        self._window = local_map
        newest = local_map.newest
        T_keyframe_camera = newest.T.cpu().numpy() @ T_world_camera
        self._stamps.append(stamp_ns)
        self._keyframes.append(newest.stamp_ns)
        self._poses.extend(T_keyframe_camera[:3].ravel())
        self._units.append(graph.unit)

    def corrected(
        self, graph: KeyframeGraph, local_map: LocalMap | None
    ) -> tuple[NDArray[np.int64], Doubles]:
        """Stamps (N,) and poses T_map_camera (N, 4, 4) as the map has them now; images whose
        keyframe is not in the map are left out."""
        now = {} if local_map is None else local_map.poses()
        stamps, poses = [], []
        for i, (stamp, keyframe) in enumerate(zip(self._stamps, self._keyframes, strict=True)):
            number = graph.number(keyframe)
            S = None if number is None else graph.pose(number)
            if S is None and keyframe in now:
                S = graph.S_map_world @ now[keyframe]
            if S is None:
                continue
            T = self._relative(i)
            unit = graph.unit if number is None else graph.unit_of(number)
            T[:3, 3] *= np.exp(unit - self._units[i])
            stamps.append(stamp)
            poses.append(sim3.rigid(S @ T))
        return np.array(stamps, np.int64), np.array(poses, np.float64).reshape(-1, 4, 4)

    def _hand_over(self, before: LocalMap, now: LocalMap, graph: KeyframeGraph) -> None:
        """Images of keyframes that went with a provisional window are held by the oldest keyframe
        of the one in its place, which had been tracked as an image.

        Both windows have the scale of the depth model, in one image or in two: what these differ
        by is not taken out of the way between the images.
        """
        held = before.poses()
        kept = {keyframe.stamp_ns for keyframe in now.keyframes}
        gone = {stamp for stamp in held.keys() - kept if _has_gone(graph, stamp)}
        if not gone:
            return
        rows = {stamp: i for i, stamp in enumerate(self._stamps) if self._keyframes[i] in held}
        told = held | {s: held[self._keyframes[i]] @ self._relative(i) for s, i in rows.items()}
        oldest = now.keyframes[0].stamp_ns
        if oldest not in told:
            return
        T_oldest_world = pose_step.inverse(told[oldest])
        for stamp, i in rows.items():
            if self._keyframes[i] in gone:
                T = T_oldest_world @ told[stamp]
                self._poses[12 * i : 12 * i + 12] = array("d", T[:3].ravel())
                self._keyframes[i], self._units[i] = oldest, graph.unit

    def _relative(self, i: int) -> Doubles:
        """T_keyframe_camera (4, 4) of an image, in the unit of its time."""
        row = np.array(self._poses[12 * i : 12 * i + 12]).reshape(3, 4)
        return np.vstack([row, [0.0, 0.0, 0.0, 1.0]])


def _has_gone(graph: KeyframeGraph, stamp_ns: int) -> bool:
    """Whether the keyframe of a former window is not among those that left it."""
    number = graph.number(stamp_ns)
    return number is None or graph.pose(number) is None
