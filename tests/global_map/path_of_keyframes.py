"""A path of keyframes through a sliding window, as the system's history tells of it."""

from __future__ import annotations

import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.window_history import WindowChange, WindowHistory, link_to_next
from tests.scaled_keyframe import CAMERA, keyframe

SIZE = 3
DISPLACEMENT = 0.005
IMAGE = torch.zeros(1, 3, CAMERA.height, CAMERA.width)


def changes(
    count: int, growth: dict[int, float] | None = None, places: int | None = None
) -> list[WindowChange]:
    """``count`` keyframes, of which the oldest leaves a window of ``SIZE``; at keyframe k the world
    grows by ``growth[k]`` about it. With ``places``, keyframe k is where k - ``places`` was."""
    history, window = WindowHistory(), list[WindowKeyframe]()
    history.is_kept = True
    scale, origin = 1.0, se3.inverse(keyframe(0, 1.0).T)
    for k in range(count):
        new = keyframe(k % (places or count), 1.0)
        new.id = new.stamp_ns = k
        new.pyramid = [IMAGE]
        new.rescale(scale, origin[:3, 3])
        window = [*window, new]
        factor = (growth or {}).get(k, 1.0)
        scale *= factor
        window = [each.snapshot() for each in window]
        for each in window:
            each.rescale(factor, se3.inverse(new.T)[:3, 3])
        left, window = window[:-SIZE], window[-SIZE:]
        links = link_to_next(CAMERA, left, window)
        history.add(LocalMap(CAMERA, window), links, DISPLACEMENT, factor)
    return history.take()


def graph_of(path: list[WindowChange]) -> KeyframeGraph:
    graph = KeyframeGraph(0.03)
    for change in path:
        graph.take(change)
    return graph
