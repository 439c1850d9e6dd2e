"""What a session finds in a map's file: the largest piece of it that is in one frame."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from denseba_ros.errors import MapFileError, PoseGraphError
from denseba_ros.map_file.map_reader import MapReader
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.pose_graph.components import components
from denseba_ros.pose_graph.graph import PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedMap:
    """The ``graph`` of earlier sessions and the number ``first`` of the next keyframe.

    ``left_aside``: keyframes of pieces that no closure joins to it, such as of a session that
    recognised no place. They stay in the file.
    """

    graph: PoseGraph
    first: int
    left_aside: int


def load_saved(reader: MapReader) -> SavedMap:
    """The graph in a file, without images.

    Raises:
        MapFileError: when the file is damaged.
    """
    graph, first = reader.load_graph(), max([-1, *reader.keyframe_ids()]) + 1
    if not graph.poses:
        return SavedMap(graph, first, 0)
    try:
        GraphArrays.of(graph)
        kept = set(components(graph)[0])
    except PoseGraphError as error:
        raise MapFileError(f"{reader.path}: {error}") from error
    left_aside = len(graph.poses) - len(kept)
    if left_aside:
        _log.warning(
            "%s: %d of %d keyframes are in frames of their own, since no place joined them: they "
            "are left aside",
            reader.path,
            left_aside,
            len(graph.poses),
        )
    poses = {number: S for number, S in graph.poses.items() if number in kept}
    return SavedMap(
        PoseGraph(poses, [e for e in graph.edges if e.first in kept]), first, left_aside
    )


def add_places(index: PlaceIndex, reader: MapReader, saved: SavedMap) -> None:
    """Let the places of a map be found.

    Raises:
        MapFileError: when a descriptor is damaged, or of other weights than the index.
    """
    ids, descriptors = reader.descriptors()
    if len(ids) and descriptors.shape[1] != index.size:
        raise MapFileError(f"{reader.path} was made with other weights for places")
    for number, descriptor in zip(ids.tolist(), descriptors, strict=True):
        if number in saved.graph.poses:
            index.add(number, descriptor)
