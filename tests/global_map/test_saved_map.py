"""Of a file with pieces that nothing joins, the largest is gone on with."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import MapFileError
from denseba_ros.global_map.saved_map import add_places, load_saved
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.place_recognition.place_index import PlaceIndex
from denseba_ros.pose_graph.graph import Edge
from tests.map_file.made_map import CAMERA, made_keyframe


def _edge(first: int, second: int) -> Edge:
    return Edge(first, second, np.eye(4), np.eye(7))


@pytest.fixture
def file(tmp_path: Path) -> MapFile:
    return MapFile(tmp_path / "map.denseba")


def test_an_empty_map_begins_at_nought(file: MapFile) -> None:
    saved = load_saved(file)
    assert (saved.graph.poses, saved.first, saved.left_aside) == ({}, 0, 0)


def test_the_largest_piece_is_taken(file: MapFile, caplog: pytest.LogCaptureFixture) -> None:
    session = file.begin_session(CAMERA, "")
    for number in (0, 1, 4, 5, 6):
        file.add_keyframe(made_keyframe(number, session), np.eye(4))
    for edge in (_edge(1, 0), _edge(5, 4), _edge(6, 5)):
        file.add_edge(edge)
    with caplog.at_level(logging.WARNING):
        saved = load_saved(file)
    assert set(saved.graph.poses) == {4, 5, 6}
    assert [(e.first, e.second) for e in saved.graph.edges] == [(5, 4), (6, 5)]
    assert (saved.first, saved.left_aside) == (7, 2)
    assert "2 of 5 keyframes" in caplog.text
    index = PlaceIndex(file.descriptors()[1].shape[1])
    add_places(index, file, saved)
    assert [number in index for number in (0, 4, 6)] == [False, True, True]


def test_an_edge_that_no_graph_is_solved_with_is_refused(file: MapFile) -> None:
    session = file.begin_session(CAMERA, "")
    for number in range(2):
        file.add_keyframe(made_keyframe(number, session), np.eye(4))
    file.add_edge(Edge(1, 0, np.eye(4), -np.eye(7)))
    with pytest.raises(MapFileError, match="covariance"):
        load_saved(file)


def test_places_of_other_weights_are_refused(file: MapFile) -> None:
    session = file.begin_session(CAMERA, "")
    file.add_keyframe(made_keyframe(0, session), np.eye(4))
    with pytest.raises(MapFileError, match="other weights"):
        add_places(PlaceIndex(7), file, load_saved(file))
