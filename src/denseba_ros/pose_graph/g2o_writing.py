"""A graph of poses as text that g2o and its viewers read.

``VERTEX_SIM3:QUAT number x y z qx qy qz qw s`` and ``EDGE_SIM3:QUAT first second x y z qx qy qz qw
s`` with the upper triangle of the information (7, 7) of an ``Edge``'s error. ``VERTEX_SE3:QUAT``
and ``EDGE_SE3:QUAT`` are g2o's own: (6, 6) information of ``inv(measured) estimated`` as
translation and vector of the quaternion, in the second's axes. Kuemmerle et al., "g2o: A general
framework for graph optimization", ICRA 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import sim3
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays

CLOSURES = "# loop closures"
"""A comment to g2o; edges after it are closures."""


def write_sim3(path: Path, graph: PoseGraph) -> None:
    """Write the graph with scales.

    Raises:
        PoseGraphError: the graph is malformed. OSError: the file cannot be written.
    """
    _write(path, graph, "VERTEX_SIM3:QUAT", _similarity, _sim3_edge)


def write_se3(path: Path, graph: PoseGraph) -> None:
    """Write poses and edges in the map's unit, without scales; for viewers.

    Raises:
        PoseGraphError: the graph is malformed. OSError: the file cannot be written.
    """

    def se3_edge(edge: Edge) -> str:
        return _se3_edge(edge, float(sim3.scale(graph.poses[edge.first])))

    _write(path, graph, "VERTEX_SE3:QUAT", _pose, se3_edge)


def _write(
    path: Path,
    graph: PoseGraph,
    vertex: str,
    values: Callable[[Doubles], list[float]],
    line_of: Callable[[Edge], str],
) -> None:
    GraphArrays.of(graph)
    lines = [f"{vertex} {n} {_numbers(values(S))}" for n, S in sorted(graph.poses.items())]
    path.write_text("\n".join([*lines, *_edge_lines(graph.edges, line_of)]) + "\n")


def _edge_lines(edges: list[Edge], line_of: Callable[[Edge], str]) -> list[str]:
    odometry = [line_of(edge) for edge in edges if not edge.is_closure]
    closures = [line_of(edge) for edge in edges if edge.is_closure]
    return [*odometry, *([CLOSURES] if closures else []), *closures]


def _sim3_edge(edge: Edge) -> str:
    S = edge.S_first_second
    information = np.linalg.inv(edge.covariance)
    measured = [*_similarity(S), *information[np.triu_indices(7)]]
    return f"EDGE_SIM3:QUAT {edge.first} {edge.second} {_numbers(measured)}"


def _se3_edge(edge: Edge, unit: float) -> str:
    """``unit`` of the first keyframe, in that of the map."""
    T = sim3.rigid(edge.S_first_second)
    T[:3, 3] *= unit
    grown = np.diag(np.repeat([unit, 1.0], [3, 3]))
    covariance = grown @ edge.covariance[:6, :6] @ grown
    # To the second's axes; the vector of a quaternion is half of the rotation.
    turned = np.diag(np.repeat([1.0, 0.5], [3, 3])) @ np.linalg.inv(sim3.adjoint(T))[:6, :6]
    information = np.linalg.inv(turned @ covariance @ turned.T)
    measured = [*_pose(T), *information[np.triu_indices(6)]]
    return f"EDGE_SE3:QUAT {edge.first} {edge.second} {_numbers(measured)}"


def _pose(S: Doubles) -> list[float]:
    """x y z qx qy qz qw."""
    quaternion = Rotation.from_matrix(S[:3, :3] / sim3.scale(S)).as_quat(canonical=True)
    return [*S[:3, 3].tolist(), *quaternion.tolist()]


def _similarity(S: Doubles) -> list[float]:
    """x y z qx qy qz qw s."""
    return [*_pose(S), float(sim3.scale(S))]


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.17g}" for value in values)
