"""What is written into a map file is read back, and nothing else."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import MapFileError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.closure_event import ClosureEvent
from denseba_ros.map_file.map_file import MapFile
from denseba_ros.map_file.map_reader import MapReader
from tests.map_file.made_map import (
    CAMERA,
    add_keyframes,
    made_edge,
    made_keyframe,
    made_pose,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a map?#%.denseba"


def test_all_of_a_map_comes_back(path: Path) -> None:
    with MapFile(path) as file:
        assert file.begin_session(CAMERA, "backend: {}") == 0
        add_keyframes(file, range(5))
        file.add_edge(made_edge(0, 4, is_closure=True))
        file.add_closure_event(ClosureEvent(0, 17, 0, 4, "accepted", "31 inliers"))
    with MapReader(path) as map:
        (session,) = map.sessions()
        assert (session.number, session.calibration, session.parameters) == (
            0,
            CAMERA,
            "backend: {}",
        )
        graph = map.load_graph()
        assert list(graph.poses) == map.keyframe_ids() == [0, 1, 2, 3, 4]
        assert all(np.array_equal(graph.poses[id], made_pose(id)) for id in graph.poses)
        assert [(e.first, e.second) for e in graph.edges if e.is_closure] == [(0, 4)]
        assert len(graph.edges) == 5
        assert np.array_equal(graph.edges[0].covariance, made_edge(0, 1).covariance)
        assert np.array_equal(graph.edges[0].S_first_second, made_edge(0, 1).S_first_second)
        assert map.closure_events() == [ClosureEvent(0, 17, 0, 4, "accepted", "31 inliers")]
        assert map.entries()[3].stamp_ns == made_keyframe(3).stamp_ns
        assert map.load_keyframe(3).id == 3


def test_descriptors_of_all_keyframes_come_at_once(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        file.add_keyframe(made_keyframe(0), made_pose(0))
        file.add_keyframe(made_keyframe(1, features=None), made_pose(1))
        file.add_keyframe(made_keyframe(2), made_pose(2))
        ids, descriptors = file.descriptors()
        assert file.load_features(1) is None
    assert ids.tolist() == [0, 2]
    assert descriptors.shape == (2, 32)
    np.testing.assert_allclose(descriptors[1], made_keyframe(2).descriptor, atol=1e-3)


def test_an_empty_map_has_a_graph_and_descriptors(path: Path) -> None:
    with MapFile(path) as file:
        assert file.load_graph().poses == {}
        assert file.descriptors()[1].shape == (0, 0)
        assert file.next_keyframe_id() == 0
        assert file.calibration() is None


def test_poses_change_and_keyframes_go(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(4))
        file.update_poses({1: made_pose(7), 3: made_pose(8)})
        file.remove_keyframe(2)
        file.remove_edge(0, 1, is_closure=False)
        graph = file.load_graph()
        assert list(graph.poses) == [0, 1, 3]
        assert np.array_equal(graph.poses[3], made_pose(8))
        assert graph.edges == []
        assert file.descriptors()[0].tolist() == [0, 1, 3]
        assert file.next_keyframe_id() == 4
        with pytest.raises(MapFileError, match="no keyframe 2"):
            file.load_keyframe(2)


def test_a_measured_again_edge_takes_the_place_of_the_first(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(2))
        file.add_edge(made_edge(0, 1))
        file.add_edge(made_edge(0, 1, is_closure=True))
        assert len(file.load_graph().edges) == 2


def test_room_of_removed_keyframes_is_used_again(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(10))
        file.checkpoint()
        size = path.stat().st_size
        for id in range(10, 60):
            file.add_keyframe(made_keyframe(id), made_pose(id))
            file.remove_keyframe(id - 10)
        file.checkpoint()
        assert path.stat().st_size < 1.3 * size


def test_a_second_session_goes_on_in_the_map(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "first")
        add_keyframes(file, range(3))
    with MapFile(path) as file:
        assert file.begin_session(CAMERA, "second") == 1
        start = file.next_keyframe_id()
        add_keyframes(file, range(start, start + 3), session=1)
        assert [entry.session for entry in file.entries()] == [0, 0, 0, 1, 1, 1]


def test_a_map_of_another_camera_is_refused_with_both_named(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        other = Calibration(64, 48, 61.0, 60.0, 31.5, 23.5)
        with pytest.raises(MapFileError, match=r"64x48, fx 60, .* 64x48, fx 61,"):
            file.begin_session(other, "")
        rounded = Calibration(64, 48, 60.0001, 60.0, 31.5, 23.5)
        assert file.begin_session(rounded, "") == 1


def test_a_failed_transaction_leaves_nothing(path: Path) -> None:
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")
        with pytest.raises(KeyError):
            _add_and_fail(file)
        assert file.keyframe_ids() == []
        with file.transaction():
            file.add_keyframe(made_keyframe(0), made_pose(0))
            with pytest.raises(MapFileError, match="no keyframe 9"):
                file.update_poses({0: made_pose(5), 9: made_pose(9)})
        assert np.array_equal(file.load_graph().poses[0], made_pose(0))


def _add_and_fail(file: MapFile) -> None:
    with file.transaction():
        file.add_keyframe(made_keyframe(0), made_pose(0))
        raise KeyError


def test_what_does_not_belong_is_refused(path: Path) -> None:
    with MapFile(path) as file:
        with pytest.raises(MapFileError, match="session 0 was not begun"):
            file.add_keyframe(made_keyframe(0), made_pose(0))
        file.begin_session(CAMERA, "")
        file.add_keyframe(made_keyframe(0), made_pose(0))
        with pytest.raises(MapFileError, match="a keyframe 0 already"):
            file.add_keyframe(made_keyframe(0), made_pose(0))
        with pytest.raises(MapFileError, match="no keyframe 1, so no edge"):
            file.add_edge(made_edge(0, 1))
        with pytest.raises(MapFileError, match="no edge from keyframe 0 to 1"):
            file.remove_edge(0, 1, is_closure=False)
        with pytest.raises(ValueError, match="keyframe 1 is no similarity"):
            file.add_keyframe(made_keyframe(1), np.diag([1.0, 1.0, 2.0, 1.0]))


def test_threads_write_and_read_one_map(path: Path) -> None:
    errors: list[BaseException] = []
    with MapFile(path) as file:
        file.begin_session(CAMERA, "")

        def write(ids: range) -> None:
            try:
                for id in ids:
                    file.add_keyframe(made_keyframe(id), made_pose(id))
                    file.load_keyframe(id)
                    file.update_poses({id: made_pose(id + 1)})
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(range(k, 60, 3),)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(file.load_graph().poses) == 60


def test_a_reader_sees_the_writers_commits_while_it_writes(path: Path) -> None:
    with MapFile(path) as file, MapReader(path) as reader:
        file.begin_session(CAMERA, "")
        add_keyframes(file, range(3))
        assert reader.keyframe_ids() == [0, 1, 2]
        with file.transaction():
            file.remove_keyframe(1)
            assert reader.keyframe_ids() == [0, 1, 2]
        assert reader.keyframe_ids() == [0, 2]
