"""g2o text: round trips, files of others, clear errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from denseba_ros.errors import PoseGraphError
from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.g2o_reading import read_sim3
from denseba_ros.pose_graph.g2o_writing import write_se3, write_sim3
from denseba_ros.pose_graph.graph import Edge, PoseGraph
from tests.pose_graph.small_graphs import COVARIANCE, chain, full_covariance, random_poses, relative

_VERTEX = "VERTEX_SIM3:QUAT {} 0 0 0 0 0 0 1 1"
_INFORMATION = " ".join(f"{x:g}" for x in np.eye(7)[np.triu_indices(7)])
_EDGE = "EDGE_SIM3:QUAT {} {} 1 0 0 0 0 0 1 1.1 " + _INFORMATION


def _graph() -> PoseGraph:
    poses = random_poses(5)
    graph = chain(poses)
    closure = Edge(14, 10, relative(poses, 4, 0), full_covariance(1), is_closure=True)
    skipping = Edge(10, 12, relative(poses, 0, 2), full_covariance(2))
    return PoseGraph(graph.poses, [closure, *graph.edges, skipping])


def test_round_trip(tmp_path: Path) -> None:
    graph, path = _graph(), tmp_path / "graph.g2o"
    write_sim3(path, graph)
    read = read_sim3(path)
    assert sorted(read.poses) == sorted(graph.poses)
    for number, S in graph.poses.items():
        np.testing.assert_allclose(read.poses[number], S, atol=1e-12)
    expected = sorted(graph.edges, key=lambda edge: edge.is_closure)
    assert len(read.edges) == len(expected)
    for found, edge in zip(read.edges, expected, strict=True):
        ends = (found.first, found.second, found.is_closure)
        assert ends == (edge.first, edge.second, edge.is_closure)
        np.testing.assert_allclose(found.S_first_second, edge.S_first_second, atol=1e-12)
        np.testing.assert_allclose(found.covariance, edge.covariance, rtol=1e-6, atol=1e-12)


def test_files_of_others_tell_closures_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "graph.g2o"
    vertices = [_VERTEX.format(n) for n in range(4)]
    edges = [_EDGE.format(0, 1), _EDGE.format(2, 1), _EDGE.format(0, 3)]
    path.write_text("\n".join(["# made elsewhere", *vertices, "FIX 0", "", *edges]))
    graph = read_sim3(path)
    assert [edge.is_closure for edge in graph.edges] == [False, False, True]
    assert sim3.scale(graph.edges[0].S_first_second) == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("VERTEX_SE2 0 0 0 0", "VERTEX_SE2 is not VERTEX_SIM3:QUAT or EDGE_SIM3:QUAT"),
        ("VERTEX_SIM3:QUAT 3 0 0 0", "takes 9 numbers, not 4"),
        ("VERTEX_SIM3:QUAT 3 0 0 0 0 0 0 1 x", "could not convert"),
        ("VERTEX_SIM3:QUAT 3.5 0 0 0 0 0 0 1 1", "invalid literal"),
        ("VERTEX_SIM3:QUAT 3 0 0 nan 0 0 0 1 1", "finite"),
        ("VERTEX_SIM3:QUAT 3 0 0 0 0 0 0 1 0", "scale positive"),
        ("VERTEX_SIM3:QUAT 3 0 0 0 0 0 0 0 1", "quaternion is not of length 1"),
        (_VERTEX.format(1), "keyframe 1 is there twice"),
        (_EDGE.format(0, 1).replace(" 1.1 1", " 1.1 -1"), "not positive definite"),
        (_EDGE.format(0, 1).replace(" 1.1 1", " 1.1 inf"), "not positive definite"),
    ],
)
def test_malformed_lines(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "graph.g2o"
    path.write_text("\n".join([_VERTEX.format(0), _VERTEX.format(1), line]))
    with pytest.raises(PoseGraphError, match=rf"graph\.g2o:3: .*{message}"):
        read_sim3(path)


def test_edge_to_a_missing_vertex(tmp_path: Path) -> None:
    path = tmp_path / "graph.g2o"
    path.write_text("\n".join([_VERTEX.format(0), _EDGE.format(0, 7)]))
    with pytest.raises(PoseGraphError, match="from 0 to 7 joins a keyframe that has no pose"):
        read_sim3(path)


def test_no_text(tmp_path: Path) -> None:
    path = tmp_path / "graph.g2o"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(PoseGraphError, match="is no text"):
        read_sim3(path)


def test_a_malformed_graph_is_not_written(tmp_path: Path) -> None:
    graph = PoseGraph({0: np.eye(4)}, [Edge(0, 1, np.eye(4), COVARIANCE)])
    for write in (write_sim3, write_se3):
        with pytest.raises(PoseGraphError, match="has no pose"):
            write(tmp_path / "graph.g2o", graph)
    assert not (tmp_path / "graph.g2o").exists()


def test_se3_has_the_poses_in_the_maps_unit(tmp_path: Path) -> None:
    graph, path = _graph(), tmp_path / "graph.g2o"
    write_se3(path, graph)
    lines = [line.split() for line in path.read_text().splitlines()]
    vertices = {int(w[1]): w for w in lines if w[0] == "VERTEX_SE3:QUAT"}
    assert sorted(vertices) == sorted(graph.poses)
    position = np.array([float(x) for x in vertices[12][2:5]])
    np.testing.assert_allclose(position, graph.poses[12][:3, 3], atol=1e-12)
    edges = [w for w in lines if w[0] == "EDGE_SE3:QUAT"]
    assert len(edges) == len(graph.edges)
    assert all(len(w) == 3 + 7 + 21 for w in edges)


def test_se3_edges_join_the_poses(tmp_path: Path) -> None:
    """Read back by GTSAM: measured without error, the graph has none."""
    if importlib.util.find_spec("gtsam") is None:
        pytest.skip("GTSAM is not installed")
    import gtsam

    path = tmp_path / "graph.g2o"
    write_se3(path, _graph())
    factors, poses = gtsam.readG2o(str(path), True)
    assert factors.size() == len(_graph().edges)
    assert factors.error(poses) == pytest.approx(0.0, abs=1e-6)


def test_se3_information_is_that_of_g2os_error(tmp_path: Path) -> None:
    """Of one edge: the squared error of a small deviation is as the covariance says."""
    poses = random_poses(2)
    edge = Edge(0, 1, relative(poses, 0, 1), full_covariance(3))
    path = tmp_path / "graph.g2o"
    write_se3(path, PoseGraph({0: poses[0], 1: poses[1]}, [edge]))
    words = path.read_text().splitlines()[-1].split()
    information = np.zeros((6, 6))
    information[np.triu_indices(6)] = [float(x) for x in words[10:]]
    information += np.triu(information, 1).T
    unit = float(sim3.scale(poses[0]))
    small = np.append(1e-5 * np.array([1.0, -2.0, 0.5, 0.7, 1.5, -1.0]), 0.0)
    T = sim3.rigid(edge.S_first_second)
    delta = sim3.inverse(T) @ sim3.exp(-small) @ T
    twist = sim3.log(delta)
    error = np.concatenate([unit * twist[:3], 0.5 * twist[3:6]])
    expected = small[:6] @ np.linalg.solve(edge.covariance[:6, :6], small[:6])
    assert error @ information @ error == pytest.approx(expected, rel=1e-3)
