"""Corners of keyframes, seen in others: tracked by optical flow from where the map expects them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import sim3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.adjustment.covisible import Pair
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.mapping.feature_tracking import track_features

# So many corners of a keyframe, the most certain ones, are points of the adjustment.
_CORNERS = 120
# Keyframes that stay ready to be tracked in, some 8 MB each at 640x480.
_READY = 30

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Observations:
    """P points of N ``keyframes``, which go by their row, and O observations of them.

    ``host`` (P,) of each point, ``rays`` (P, 3) with z = 1 in its camera, ``inverse_depth`` (P,)
    1 over the map's unit; ``point`` (O,), ``target`` (O,) and ``pixels`` (O, 2) of level 0.
    """

    keyframes: int
    host: Indices
    rays: Doubles
    inverse_depth: Doubles
    point: Indices
    target: Indices
    pixels: Doubles


class KeyframeImages:
    """Keyframes of the map ready for optical flow; the last ones that were asked for stay so."""

    def __init__(self, restore: Callable[[int], WindowKeyframe]) -> None:
        """``restore`` one by its number."""
        self._restore = restore
        self._ready: OrderedDict[int, WindowKeyframe] = OrderedDict()

    def get(self, number: int) -> WindowKeyframe:
        """Keyframe ``number`` at T_camera_world = identity."""
        if number not in self._ready:
            self._ready[number] = self._restore(number)
            if len(self._ready) > _READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(number)
        return self._ready[number]


def best_corners(keyframe: MapKeyframe) -> Indices:
    """Rows of the corners whose depths are most certain, rising."""
    order = np.argsort(keyframe.relative_sigma[: keyframe.corners], kind="stable")
    return np.sort(order[:_CORNERS])


@torch.no_grad()
def observe(
    camera: Pinhole,
    images: KeyframeImages,
    keyframe: Callable[[int], MapKeyframe],
    poses: dict[int, Doubles],
    pairs: Iterable[Pair],
) -> Observations:
    """Track the corners of the host of each pair in its target.

    Args:
        camera: of all keyframes, level 0.
        images: the keyframes of the pairs.
        keyframe: the same as the map keeps them.
        poses: S_map_camera (4, 4) of all keyframes, whose rows are in the order of their numbers.
        pairs: host and target.
    """
    rows = {number: row for row, number in enumerate(sorted(poses))}
    corners = {number: best_corners(keyframe(number)) for number in rows}
    points = [_points(camera, keyframe(number), corners[number], poses[number]) for number in rows]
    first = np.cumsum([0, *(len(rays) for rays, _ in points)])
    seen: list[tuple[Indices, Indices, Doubles]] = []
    for host, target in pairs:
        pixels, found = _tracked(camera, images, corners[host], poses, host, target)
        seen.append((first[rows[host]] + found, np.full(len(found), rows[target]), pixels))
    return Observations(
        len(points),
        np.concatenate([np.full(len(r), row) for row, (r, _) in enumerate(points)]),
        np.concatenate([rays for rays, _ in points]),
        np.concatenate([inverse_depth for _, inverse_depth in points]),
        np.concatenate([np.zeros(0, np.int64), *(s[0] for s in seen)]),
        np.concatenate([np.zeros(0, np.int64), *(s[1] for s in seen)]),
        np.concatenate([np.zeros((0, 2)), *(s[2] for s in seen)]),
    )


def _points(
    camera: Pinhole, keyframe: MapKeyframe, rows: Indices, S: Doubles
) -> tuple[Doubles, Doubles]:
    """Rays (N, 3) and inverse depths (N,), in the map's unit, of the corners ``rows`` (N,)."""
    rays = camera.rays(torch.from_numpy(keyframe.pixels[rows])).double().numpy()
    inverse_depth = keyframe.inverse_depth[rows].astype(np.float64) / float(sim3.scale(S))
    return rays, inverse_depth


def _tracked(
    camera: Pinhole,
    images: KeyframeImages,
    corners: Indices,
    poses: dict[int, Doubles],
    host: int,
    target: int,
) -> tuple[Doubles, Indices]:
    """Pixels (M, 2) where corners of ``host`` are in ``target``, and which of ``corners``."""
    T_target_host = sim3.inverse(sim3.rigid(poses[target])) @ sim3.rigid(poses[host])
    T_target_host[:3, 3] /= float(sim3.scale(poses[host]))
    frame = images.get(host)
    selected = torch.zeros(frame.points.corners, dtype=torch.bool, device=frame.T.device)
    selected[torch.from_numpy(corners).to(selected.device)] = True
    T = torch.from_numpy(T_target_host).to(frame.T)
    seen = track_features(camera, frame, images.get(target).grey, T, selected)
    is_found = seen.is_tracked.cpu().numpy()[corners]
    pixels = seen.pixels.cpu().numpy().astype(np.float64)[corners[is_found]]
    return pixels, np.flatnonzero(is_found)
