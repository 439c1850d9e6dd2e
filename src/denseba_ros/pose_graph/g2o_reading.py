"""A graph of poses from g2o's text, as ``g2o_writing`` describes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.errors import PoseGraphError
from denseba_ros.pose_graph.g2o_writing import CLOSURES
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph
from denseba_ros.pose_graph.graph_arrays import GraphArrays

_VERTEX, _EDGE = "VERTEX_SIM3:QUAT", "EDGE_SIM3:QUAT"
# Whole numbers, then decimal ones, after each tag.
_LENGTHS = {_VERTEX: (1, 8), _EDGE: (2, 8 + 28)}
_UPPER = np.triu_indices(7)


def read_sim3(path: Path) -> PoseGraph:
    """The graph in a file with ``VERTEX_SIM3:QUAT`` and ``EDGE_SIM3:QUAT``.

    Where no comment says which edges are closures, they are those between keyframes whose numbers
    do not follow each other. ``FIX`` is passed over.

    Raises:
        PoseGraphError: a line is malformed or of another kind (with its number), or the graph is.
        OSError: the file cannot be read.
    """
    graph = PoseGraph()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise PoseGraphError(f"{path} is no text") from error
    told, closures = CLOSURES in (line.strip() for line in lines), False
    for number, line in enumerate(lines, 1):
        closures = closures or line.strip() == CLOSURES
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "FIX":
            continue
        try:
            _add(graph, words, closures if told else None)
        except (ValueError, PoseGraphError) as error:
            raise PoseGraphError(f"{path}:{number}: {error}") from error
    try:
        GraphArrays.of(graph)
    except PoseGraphError as error:
        raise PoseGraphError(f"{path}: {error}") from error
    return graph


def _add(graph: PoseGraph, words: list[str], is_closure: bool | None) -> None:
    tag, *rest = words
    if tag not in _LENGTHS:
        raise PoseGraphError(f"{tag} is not {_VERTEX} or {_EDGE}")
    whole, decimal = _LENGTHS[tag]
    if len(rest) != whole + decimal:
        raise PoseGraphError(f"{tag} takes {whole + decimal} numbers, not {len(rest)}")
    ends = [int(word) for word in rest[:whole]]
    values = np.array([float(word) for word in rest[whole:]])
    S = _similarity(values[:8])
    if tag == _VERTEX:
        if ends[0] in graph.poses:
            raise PoseGraphError(f"keyframe {ends[0]} is there twice")
        graph.poses[ends[0]] = S
        return
    if is_closure is None:
        is_closure = abs(ends[1] - ends[0]) != 1
    graph.edges.append(Edge(ends[0], ends[1], S, _covariance(values[8:]), is_closure))


def _similarity(values: Doubles) -> Doubles:
    """[s R, t; 0, 1] of x y z qx qy qz qw s."""
    if not np.isfinite(values).all() or not values[7] > 0:
        raise PoseGraphError("a pose must be finite and its scale positive")
    # Files are rounded, but a quaternion that is far from 1 is something else.
    if abs(np.linalg.norm(values[3:7]) - 1.0) > 1e-2:
        raise PoseGraphError("the quaternion is not of length 1")
    S = np.eye(4)
    S[:3, :3] = values[7] * Rotation.from_quat(values[3:7]).as_matrix()
    S[:3, 3] = values[:3]
    return S


def _covariance(upper: Doubles) -> Doubles:
    information = np.zeros((7, 7))
    information[_UPPER] = upper
    information = information + np.triu(information, 1).T
    if not np.isfinite(upper).all() or np.linalg.eigvalsh(information)[0] <= 0:
        raise PoseGraphError("the information is not positive definite")
    covariance = np.linalg.inv(information)
    result: Doubles = 0.5 * (covariance + covariance.T)
    return result
