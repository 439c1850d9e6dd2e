"""Links of the path as a part of the adjustment: what the images of two keyframes do not say.

Their length always counts: how long a step is in the unit of the map, depth models and closures
say too, where corners come and go. All of the relative pose counts where too few points show in
both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from denseba_ros.geometry import sim3
from denseba_ros.geometry.cross_product import hat_arrays
from denseba_ros.global_map.adjustment.observations import Indices, Observations
from denseba_ros.pose_graph.graph import Doubles, PoseGraph

# Keyframes that share so many observations need no link.
_ENOUGH = 30
# Deviation of the log of a length, beside that of the link.
_LENGTH = 0.2
# Shorter steps have no length.
_LEAST_LENGTH = 1e-9


@dataclass(frozen=True)
class Links:
    """L relative poses between keyframes, by their rows: ``R`` (L, 3, 3) and ``t`` (L, 3), in the
    map's unit, of ``second`` (L,) seen from ``first`` (L,), with deviations ``sigma_t`` and
    ``sigma_R`` (L,); along ``t`` its length adds its own."""

    first: Indices
    second: Indices
    R: Doubles
    t: Doubles
    sigma_t: Doubles
    sigma_R: Doubles

    def errors(self, rotations: Doubles, centres: Doubles) -> Doubles:
        """(L, 6) over their deviations: position, then rotation, seen from ``first``."""
        R_first = rotations[self.first]
        moved = centres[self.second] - centres[self.first]
        e_t = np.einsum("nji,nj->ni", R_first, moved) - self.t
        turn = self.R.swapaxes(1, 2) @ R_first.swapaxes(1, 2) @ rotations[self.second]
        e_R = Rotation.from_matrix(turn).as_rotvec() if len(turn) else np.zeros((0, 3))
        e_t = (self._whitening() @ e_t[:, :, None])[:, :, 0]
        return np.concatenate([e_t, e_R / self.sigma_R[:, None]], axis=1)

    def jacobians(self, rotations: Doubles, centres: Doubles) -> tuple[Doubles, Doubles]:
        """(L, 6, 6) of ``errors`` by centre and rotation of ``first`` and of ``second``; of the
        logarithm to first order for small errors."""
        R_first, R_second = rotations[self.first], rotations[self.second]
        moved = np.einsum("nji,nj->ni", R_first, centres[self.second] - centres[self.first])
        of_first, of_second = np.zeros((2, len(self.first), 6, 6))
        of_first[:, :3, :3] = -R_first.swapaxes(1, 2)
        of_first[:, :3, 3:] = hat_arrays(moved)
        of_first[:, 3:, 3:] = -R_second.swapaxes(1, 2) @ R_first
        of_second[:, :3, :3] = R_first.swapaxes(1, 2)
        of_second[:, 3:, 3:] = np.eye(3)
        weights = np.zeros((len(self.first), 6, 6))
        weights[:, :3, :3] = self._whitening()
        weights[:, 3:, 3:] = np.eye(3) / self.sigma_R[:, None, None]
        return weights @ of_first, weights @ of_second

    def _whitening(self) -> Doubles:
        """(L, 3, 3) of positions."""
        length = np.linalg.norm(self.t, axis=1)
        axis = self.t / np.maximum(length, _LEAST_LENGTH)[:, None]
        along = 1.0 / np.hypot(self.sigma_t, _LENGTH * length)
        aside = (1.0 / self.sigma_t)[:, None, None]
        outer = axis[:, :, None] * axis[:, None, :]
        whitening: Doubles = aside * np.eye(3) + (along[:, None, None] - aside) * outer
        return whitening


@dataclass(frozen=True)
class Lengths:
    """L distances between keyframes, by their rows: ``log_length`` (L,) from ``first`` (L,) to
    ``second`` (L,), with deviations ``sigma`` (L,)."""

    first: Indices
    second: Indices
    log_length: Doubles
    sigma: Doubles

    def errors(self, centres: Doubles) -> Doubles:
        """(L, 1) over their deviations."""
        length = np.linalg.norm(centres[self.second] - centres[self.first], axis=1)
        error = np.log(np.maximum(length, _LEAST_LENGTH)) - self.log_length
        whitened: Doubles = (error / self.sigma)[:, None]
        return whitened

    def jacobian(self, centres: Doubles) -> Doubles:
        """(L, 1, 6) of ``errors`` by centre and rotation of ``second``; by those of ``first`` its
        negative."""
        step = centres[self.second] - centres[self.first]
        square = np.maximum(np.sum(step**2, axis=1), _LEAST_LENGTH**2)
        out = np.zeros((len(step), 1, 6))
        out[:, 0, :3] = step / (square * self.sigma)[:, None]
        return out


def known_lengths(graph: PoseGraph) -> Lengths:
    """Of all links of the path of ``graph`` that have one."""
    rows = {number: row for row, number in enumerate(sorted(graph.poses))}
    first, second, lengths, sigmas = [], [], [], []
    for edge in graph.edges:
        S = graph.poses[edge.first]
        length = float(np.linalg.norm(graph.poses[edge.second][:3, 3] - S[:3, 3]))
        if edge.is_closure or length < _LEAST_LENGTH:
            continue
        variance = np.diag(edge.covariance)[:3].mean() * float(sim3.scale(S)) ** 2 / length**2
        first.append(rows[edge.first])
        second.append(rows[edge.second])
        lengths.append(length)
        sigmas.append(np.sqrt(_LENGTH**2 + variance))
    ends = np.array(first, np.int64), np.array(second, np.int64)
    return Lengths(*ends, np.log(np.array(lengths)), np.array(sigmas))


def needed_links(graph: PoseGraph, seen: Observations) -> Links:
    """Those edges of ``graph`` whose keyframes share too few observations."""
    numbers = sorted(graph.poses)
    rows = {number: row for row, number in enumerate(numbers)}
    shared: dict[tuple[int, int], int] = {}
    ends = np.sort(np.stack([seen.host[seen.point], seen.target], axis=1), axis=1)
    for pair, count in zip(*np.unique(ends, axis=0, return_counts=True), strict=True):
        shared[int(pair[0]), int(pair[1])] = int(count)
    edges = []
    for edge in graph.edges:
        low, high = sorted((rows[edge.first], rows[edge.second]))
        if shared.get((low, high), 0) < _ENOUGH:
            edges.append(edge)
    S = np.stack([edge.S_first_second for edge in edges]) if edges else np.zeros((0, 4, 4))
    scales = np.array([float(sim3.scale(graph.poses[edge.first])) for edge in edges])
    covariances = [np.diag(edge.covariance) for edge in edges]
    return Links(
        np.array([rows[edge.first] for edge in edges], np.int64),
        np.array([rows[edge.second] for edge in edges], np.int64),
        sim3.rigid(S)[:, :3, :3] if edges else np.zeros((0, 3, 3)),
        S[:, :3, 3] * scales[:, None],
        np.array([np.sqrt(c[:3].mean()) for c in covariances]) * scales,
        np.array([np.sqrt(c[3:6].mean()) for c in covariances]),
    )
