"""Bundle adjustment of a saved map, such as one that a node made, which has no time for it."""

from __future__ import annotations

import torch

from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.global_map.adjustment.map_adjustment import MapAdjustment, Progress, adjust_map
from denseba_ros.global_map.closing.keyframe_store import KeyframeStore
from denseba_ros.global_map.saved_map import load_saved
from denseba_ros.map_file.map_file import MapFile

# Keyframes that are in memory at a time.
_IN_MEMORY = 500


def adjust_saved(
    file: MapFile, device: torch.device, progress: Progress = iter
) -> MapAdjustment | None:
    """Adjust the largest piece of a map that is in one frame, and write all of that or nothing;
    None where it has less than two keyframes.

    Raises:
        MapFileError: when the file is damaged, or cannot be written.
    """
    graph, calibration = load_saved(file).graph, file.calibration()
    if calibration is None or len(graph.poses) < 2:
        return None
    store = KeyframeStore(device, _IN_MEMORY, file.load_keyframe)
    camera = Pinhole.from_calibration(calibration)
    adjusted = adjust_map(camera, store, graph, progress=progress)
    with file.transaction():
        file.update_poses(adjusted.poses)
        for edge in graph.edges:
            file.add_edge(edge.measured_by(adjusted.poses))
    return adjusted
