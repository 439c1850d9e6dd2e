"""A graph of poses as arrays, checked, so that all its edges are computed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.errors import PoseGraphError
from denseba_ros.pose_graph.graph import Doubles, Edge, PoseGraph


@dataclass(frozen=True)
class GraphArrays:
    """``numbers`` (V,) of the keyframes, rising, with ``poses`` (V, 4, 4); for each of E edges the
    indices ``first`` and ``second`` (E,) of its poses, ``measured`` (E, 4, 4), ``whitening``
    (E, 7, 7), which makes its error one of unit covariance, and ``is_closure`` (E,)."""

    numbers: NDArray[np.int64]
    poses: Doubles
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    measured: Doubles
    whitening: Doubles
    is_closure: NDArray[np.bool_]

    @classmethod
    def of(cls, graph: PoseGraph) -> GraphArrays:
        """The arrays of ``graph``.

        Raises:
            PoseGraphError: a pose or a measurement is no similarity, a covariance is not positive
                definite, or an edge joins a keyframe that has no pose, or one with itself.
        """
        numbers, index = numbered(graph)
        poses = _similarities([graph.poses[int(n)] for n in numbers])
        _refuse(~_is_similarity(poses), [f"the pose of keyframe {n}" for n in numbers], "is no")
        edges = graph.edges
        names = [_name(edge) for edge in edges]
        measured = _similarities([e.S_first_second for e in edges])
        _refuse(~_is_similarity(measured), names, "measures no")
        closures = np.array([e.is_closure for e in edges], dtype=bool)
        whitening = _whitening(edges, names)
        return cls(numbers, poses, index[:, 0], index[:, 1], measured, whitening, closures)

    def index(self, number: int) -> int:
        """Index of the pose of keyframe ``number``.

        Raises:
            PoseGraphError: it has none.
        """
        return place_of(number, self.numbers)


def numbered(graph: PoseGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers (V,) of the keyframes, rising, and the indices (E, 2) among them of each edge's ends.

    Raises:
        PoseGraphError: an edge joins a keyframe that has no pose, or one with itself.
    """
    numbers = np.array(sorted(graph.poses), dtype=np.int64)
    ends = np.array([(e.first, e.second) for e in graph.edges], np.int64).reshape(-1, 2)
    for bad, what in (
        (~np.isin(ends, numbers).all(axis=1), "a keyframe that has no pose"),
        (ends[:, 0] == ends[:, 1], "a keyframe with itself"),
    ):
        if bad.any():
            raise PoseGraphError(f"{_name(graph.edges[int(np.argmax(bad))])} joins {what}")
    return numbers, np.searchsorted(numbers, ends)


def place_of(number: int, numbers: NDArray[np.int64]) -> int:
    """Index of ``number`` among rising ``numbers`` of keyframes.

    Raises:
        PoseGraphError: it is not among them.
    """
    place = int(np.searchsorted(numbers, number))
    if place == len(numbers) or numbers[place] != number:
        raise PoseGraphError(f"keyframe {number} has no pose in the graph")
    return place


def _name(edge: Edge) -> str:
    return f"the edge from {edge.first} to {edge.second}"


def _similarities(matrices: Sequence[Doubles]) -> Doubles:
    for matrix in matrices:
        if np.shape(matrix) != (4, 4):
            raise PoseGraphError(f"a similarity must be (4, 4), not {np.shape(matrix)}")
    return np.array(matrices, dtype=np.float64).reshape(-1, 4, 4)


def _is_similarity(S: Doubles) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(S).all(axis=(1, 2)))
    S = np.where(finite[:, None, None], S, 0.0)
    square = S[:, :3, :3] @ S[:, :3, :3].swapaxes(-1, -2)
    size = np.trace(square, axis1=1, axis2=2) / 3.0
    off = np.abs(square - size[:, None, None] * np.eye(3)).max(axis=(1, 2))
    turns = (np.linalg.det(S[:, :3, :3]) > 0) & (off <= 1e-4 * size)
    bottom = np.abs(S[:, 3] - np.array([0.0, 0.0, 0.0, 1.0])).max(axis=1) == 0.0
    result: NDArray[np.bool_] = finite & turns & bottom
    return result


def _whitening(edges: Sequence[Edge], names: Sequence[str]) -> Doubles:
    for edge, name in zip(edges, names, strict=True):
        if np.shape(edge.covariance) != (7, 7):
            raise PoseGraphError(f"the covariance of {name} must be (7, 7)")
    covariance = np.array([e.covariance for e in edges], dtype=np.float64).reshape(-1, 7, 7)
    for bad, what in (
        (~np.isfinite(covariance).all(axis=(1, 2)), "finite"),
        (~_is_positive(covariance), "positive definite"),
    ):
        if bad.any():
            raise PoseGraphError(f"the covariance of {names[int(np.argmax(bad))]} is not {what}")
    # A triangle of the correlations: units differ, and the inverse must not lose digits by it.
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    lower = np.linalg.cholesky(covariance / (sigma[:, :, None] * sigma[:, None, :]))
    result: Doubles = np.linalg.inv(lower) / sigma[:, None, :]
    return result


def _is_positive(covariance: Doubles) -> NDArray[np.bool_]:
    covariance = np.where(np.isfinite(covariance), covariance, 0.0)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    sigma = np.sqrt(np.where(variance > 0, variance, 1.0))
    lowest = np.linalg.eigvalsh(covariance / (sigma[:, :, None] * sigma[:, None, :]))[:, 0]
    result: NDArray[np.bool_] = (variance > 0).all(axis=1) & (lowest > 1e-12)
    return result


def _refuse(bad: NDArray[np.bool_], names: Sequence[str], verb: str) -> None:
    if bad.any():
        raise PoseGraphError(f"{names[int(np.argmax(bad))]} {verb} similarity [s R, t; 0, 1]")
