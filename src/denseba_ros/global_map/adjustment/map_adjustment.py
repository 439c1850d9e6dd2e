"""Bundle adjustment of a whole map: no image waits for it.

The best corners of each keyframe are tracked in keyframes that should see them, of this visit of
the place and of others; then all poses and points are adjusted together, by what the images show
and not by what the window had said of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from denseba_ros.geometry import sim3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.adjustment.bundle import Bundle, State
from denseba_ros.global_map.adjustment.covisible import Pair, covisible_pairs
from denseba_ros.global_map.adjustment.lens import Lens
from denseba_ros.global_map.adjustment.links import known_lengths, needed_links
from denseba_ros.global_map.adjustment.observations import (
    KeyframeImages,
    Observations,
    observe,
)
from denseba_ros.global_map.adjustment.optimisation import adjust
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.closing.records import restored
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.anchors import held
from denseba_ros.pose_graph.graph import Doubles, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays

Progress = Callable[[list[Pair]], Iterable[Pair]]


@dataclass(frozen=True)
class MapAdjustment:
    """``poses`` S_map_camera (4, 4) by keyframe, from ``pairs`` of keyframes that see the same and
    ``observations`` of ``points``; ``error_before`` and ``error_after``: median length of the
    observations' errors in pixels; ``lens``: what the calibration left over."""

    poses: dict[int, Doubles]
    pairs: int
    points: int
    observations: int
    error_before: float
    error_after: float
    lens: Lens

    def summary(self) -> dict[str, float]:
        """For summary.json: all but the poses."""
        return {
            "pairs": self.pairs,
            "points": self.points,
            "observations": self.observations,
            "median_error_before_pixels": self.error_before,
            "median_error_after_pixels": self.error_after,
            "focal_length_over_calibration": math.exp(self.lens.log_focal),
            "radial_distortion": self.lens.distortion,
        }


def adjust_map(
    camera: Pinhole,
    store: KeyframeStore,
    graph: PoseGraph,
    fixed: Iterable[int] = (),
    progress: Progress = iter,
) -> MapAdjustment:
    """Poses that fit the images of all keyframes best.

    Args:
        camera: of all keyframes, level 0.
        store: the keyframes.
        graph: with their poses; its edges count as `links` says.
        fixed: keyframes that are not to move.
        progress: passes the pairs on, of which each takes some 5 ms.

    Raises:
        MapFileError: when a keyframe cannot be read from the map's file.
    """
    numbers = sorted(graph.poses)
    depths = {number: _median_depth(store.get(number)) for number in numbers}
    pairs = covisible_pairs(graph, depths)
    images = KeyframeImages(lambda number: restored(store.get(number), store.device))
    seen = observe(camera, images, store.get, graph.poses, progress(pairs))
    bundle = Bundle(
        seen,
        needed_links(graph, seen),
        known_lengths(graph),
        np.array([camera.fx, camera.fy]),
        np.array([camera.cx, camera.cy]),
    )
    poses = np.stack([graph.poses[number] for number in numbers])
    state = State(sim3.rigid(poses)[:, :3, :3], poses[:, :3, 3], seen.inverse_depth, Lens())
    is_free = ~held(GraphArrays.of(graph), fixed)
    adjusted = adjust(bundle, state, is_free).state
    growth = np.log(seen.inverse_depth / adjusted.inverse_depth)
    return MapAdjustment(
        _poses(numbers, poses, adjusted, _by_host(growth, seen)),
        len(pairs),
        len(seen.host),
        len(seen.point),
        _median_error(bundle, state),
        _median_error(bundle, adjusted),
        adjusted.lens,
    )


def _median_depth(keyframe: MapKeyframe) -> float:
    """In the keyframe's own unit; infinite where it has no point."""
    inverse_depth = keyframe.inverse_depth
    return float(1.0 / np.median(inverse_depth)) if len(inverse_depth) else float("inf")


def _by_host(growth: Doubles, seen: Observations) -> Doubles:
    """Median growth (N,) of the depths of each keyframe's points that are seen in others; where
    there is none, as the keyframes before and after have it."""
    is_seen = np.zeros(len(seen.host), dtype=bool)
    is_seen[seen.point] = True
    hosts, values = seen.host[is_seen], growth[is_seen]
    order = np.argsort(hosts, kind="stable")
    rows, starts = np.unique(hosts[order], return_index=True)
    if not len(rows):
        return np.zeros(seen.keyframes)
    medians = [np.median(part) for part in np.split(values[order], starts[1:])]
    between: Doubles = np.interp(np.arange(seen.keyframes), rows, medians)
    return between


def _poses(
    numbers: list[int], before: Doubles, state: State, growth: Doubles
) -> dict[int, Doubles]:
    """S_map_camera (4, 4) of each keyframe, whose depths have grown by exp(``growth``)."""
    after = before.copy()
    scales = sim3.scale(before) * np.exp(growth)
    after[:, :3, :3] = scales[:, None, None] * state.rotations
    after[:, :3, 3] = state.centres
    return dict(zip(numbers, after, strict=True))


def _median_error(bundle: Bundle, state: State) -> float:
    """Median length of the errors of observations, in pixels; NaN where there is none."""
    lengths = np.linalg.norm(bundle.errors(state).pixels, axis=1)
    return float(np.median(lengths)) if len(lengths) else float("nan")
