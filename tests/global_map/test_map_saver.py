"""The file has what the map has; what could not be written is written later."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.errors import MapFileError
from denseba_ros.geometry import sim3
from denseba_ros.global_map.closing.records import record
from denseba_ros.global_map.keyframe_graph import KeyframeGraph
from denseba_ros.global_map.map_saver import MapSaver
from denseba_ros.global_map.window_in_file import WindowPart
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from denseba_ros.slam.mapping.window_history import WindowChange
from tests.global_map.conftest import ROOM
from tests.global_map.path_of_keyframes import changes, graph_of


@pytest.fixture
def file(tmp_path: Path) -> Iterator[MapFile]:
    with MapFile(tmp_path / "map.db") as file:
        file.begin_session(ROOM.calibration, "{}")
        yield file


@pytest.fixture
def kept(exact_keyframe: Callable[[int], WindowKeyframe]) -> MapKeyframe:
    return record(exact_keyframe(0), 0, 0)


def saved(saver: MapSaver, graph: KeyframeGraph, kept: MapKeyframe) -> None:
    for number in graph.poses:
        saver.add(dataclasses.replace(kept, id=number, stamp_ns=1 + number))
    saver.finish(graph)


@pytest.mark.parametrize("is_live", [False, True])
def test_keyframes_links_and_poses_are_written(
    file: MapFile, kept: MapKeyframe, is_live: bool
) -> None:
    graph = graph_of(changes(8))
    saver = MapSaver(file, is_live)
    saved(saver, graph, kept)
    on_disk = file.load_graph()
    assert sorted(on_disk.poses) == sorted(graph.poses) == [0, 1, 2, 3, 4]
    assert [(e.second, e.first) for e in on_disk.edges] == [(k, k + 1) for k in range(4)]
    motion = sim3.exp(np.array([1.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.2]))
    graph.poses = {number: motion @ S for number, S in graph.poses.items()}
    saver.moved(set(graph.poses))
    saver.finish(graph)
    for number, S in file.load_graph().poses.items():
        np.testing.assert_allclose(S, graph.poses[number])


def test_what_a_full_disk_refused_comes_later(
    file: MapFile, kept: MapKeyframe, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(changes(8))
    saver = MapSaver(file, is_live=False)

    def full(*_: Any) -> None:
        raise MapFileError("the disk is full")

    with monkeypatch.context() as context:
        context.setattr(file, "add_edge", full)
        with pytest.raises(MapFileError, match="the disk is full"):
            saved(saver, graph, kept)
        assert saver.problem == "the disk is full"
        assert file.keyframe_ids() == []
    saver.finish(graph)
    assert saver.problem == ""
    assert file.keyframe_ids() == [0, 1, 2, 3, 4]
    assert len(file.load_graph().edges) == 4


def _is_the_same(on_disk: PoseGraph, expected: PoseGraph) -> None:
    assert on_disk.poses.keys() == expected.poses.keys()
    for number, S in expected.poses.items():
        np.testing.assert_allclose(on_disk.poses[number], S, atol=1e-12)
    measured = {(e.first, e.second): e.S_first_second for e in on_disk.edges}
    assert measured.keys() == {(e.first, e.second) for e in expected.edges}
    for edge in expected.edges:
        np.testing.assert_allclose(measured[edge.first, edge.second], edge.S_first_second)


@pytest.mark.parametrize("fails_at", [None, 5])
def test_whenever_it_is_killed_the_file_has_the_window_too(
    file: MapFile, kept: MapKeyframe, monkeypatch: pytest.MonkeyPatch, fails_at: int | None
) -> None:
    """And nothing of what the window was before; a keyframe that was written and waits for its
    search, after it has left, stays."""
    path, graph = changes(9, growth={4: 1.2}), KeyframeGraph(0.03)
    saver = MapSaver(file, is_live=False)
    waiting: list[MapKeyframe] = []

    def window(change: WindowChange, in_file: set[int]) -> WindowPart:
        stamps = [k.stamp_ns for k in change.local_map.keyframes]
        new = [stamp for stamp in stamps if stamp not in in_file]  # stamps are numbers here
        return WindowPart(
            lambda: [dataclasses.replace(kept, id=stamp, stamp_ns=stamp) for stamp in new],
            lambda: graph.with_window(change.local_map, change.displacement),
        )

    def full(*_: Any) -> None:
        raise MapFileError("the disk is full")

    for k, change in enumerate(path):
        for keyframe in waiting:
            saver.add(keyframe)
        waiting = [
            dataclasses.replace(kept, id=number, stamp_ns=number)
            for number, _ in graph.take(change)
        ]
        with monkeypatch.context() as context:
            if k == fails_at:
                context.setattr(file, "update_poses", full)
            saver.update(graph, k * 2_000_000_000, partial(window, change))
            saver._take()
        if k != fails_at:
            expected = graph.with_window(change.local_map, change.displacement)
            _is_the_same(file.load_graph(), expected)
            assert saver.problem == ""
    for keyframe in waiting:
        saver.add(keyframe)
    saver.finish(graph)
    _is_the_same(file.load_graph(), graph.whole())


@pytest.mark.parametrize("is_written_first", [False, True])
def test_what_the_map_forgets_is_not_in_the_file(
    file: MapFile, kept: MapKeyframe, is_written_first: bool
) -> None:
    path = changes(12)
    graph = graph_of(path)
    S = sim3.inverse(graph.poses[1]) @ graph.poses[7]
    graph.close([Edge(1, n, S, np.eye(7), is_closure=True) for n in (6, 7)], {6: 0.0, 7: 0.0})
    saver = MapSaver(file, False)
    for number in graph.poses:
        saver.add(dataclasses.replace(kept, id=number, stamp_ns=1 + number))
    if is_written_first:
        saver.finish(graph)
    graph.take_back(graph.closures_of(6)[0])
    assert graph.drop(7, kept=1)
    saver.remove(7)
    saver.finish(graph)
    on_disk = file.load_graph()
    assert sorted(on_disk.poses) == [0, 1, 2, 3, 4, 5, 6, 8]
    closures = [(e.first, e.second) for e in on_disk.edges if e.is_closure]
    assert closures == [(1, 8)]
    assert (8, 6) in [(e.first, e.second) for e in on_disk.edges]
