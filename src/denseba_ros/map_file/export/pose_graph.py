"""The graph of a map as g2o text."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.map_file.export.whole_file import whole_file
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.pose_graph.g2o_writing import write_se3, write_sim3


def write_pose_graph(map: MapReader, out: Path, *, with_scales: bool) -> list[str]:
    """Poses and edges with their scales, or without for viewers that know rigid poses only.

    Returns what was written, a line each.

    Raises:
        DensebaError: when the map or its graph is damaged.
        OSError: when ``out`` cannot be written.
    """
    graph = map.load_graph()
    with whole_file(out) as file:
        (write_sim3 if with_scales else write_se3)(Path(file.name), graph)
    return [f"{out}: {len(graph.poses)} poses, {len(graph.edges)} edges"]
