"""All keyframes and points of a map as one least-squares problem: its errors and their derivatives.

A point lies on the ray of the pixel that it was chosen at, at an inverse depth (Civera, Davison,
Montiel, "Inverse depth parametrization for monocular SLAM", T-RO 24(5), 2008): with the pose R, c
of its host and R', c' of a keyframe that sees it, it is in direction

    y = R'^T (R ray + inverse_depth (c - c'))

there. Poses are perturbed by ``R exp(theta)`` and ``c + d``, inverse depths by their logarithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.transform import Rotation

from denseba_ros.geometry.cross_product import hat_arrays
from denseba_ros.global_map.adjustment.lens import PARAMETERS, Lens
from denseba_ros.global_map.adjustment.links import Lengths, Links
from denseba_ros.global_map.adjustment.observations import Indices, Observations
from denseba_ros.pose_graph.graph import Doubles

POSE = 6
"""Columns of a pose: position, then rotation."""
# Deviation of a coordinate of an observation in pixels; errors beyond count less and less.
_PIXEL = 1.0
# Observations count as so many times fewer: a corner's errors are alike in all images (it is no
# point), and so are those of the camera's model.
_ALIKE = 10.0
# Least depth of a point in a keyframe that sees it, over its depth in its host.
_IN_FRONT = 1e-3
# Error, in deviations, of a point that is behind.
_BEHIND = 100.0
# Deviation of the log of an inverse depth from the one that it begins with: holds points that no
# motion tells of.
_DEPTH = 100.0
# Longest step of the log of an inverse depth.
_LONGEST = 1.0


@dataclass(frozen=True)
class State:
    """``rotations`` (N, 3, 3) and ``centres`` (N, 3) of T_map_camera, ``inverse_depth`` (P,), and
    what the ``lens`` is other than its calibration."""

    rotations: Doubles
    centres: Doubles
    inverse_depth: Doubles
    lens: Lens

    def moved(self, of_poses: Doubles, of_depths: Doubles, of_lens: Doubles) -> State:
        """After steps (N, 6) of the poses, (P,) of the log inverse depths, and of the lens."""
        turns = Rotation.from_rotvec(of_poses[:, 3:]).as_matrix()
        grown = np.exp(np.clip(of_depths, -_LONGEST, _LONGEST))
        return State(
            self.rotations @ turns,
            self.centres + of_poses[:, :3],
            self.inverse_depth * grown,
            self.lens.moved(of_lens),
        )


@dataclass(frozen=True)
class Errors:
    """Whitened ``pixels`` (O, 2), ``links`` (L, 6), ``lengths`` (K, 1), ``depths`` (P,) and
    ``lens`` (2,), directions (O, 3) of the points where they are seen, and the robust ``cost`` of
    all."""

    pixels: Doubles
    links: Doubles
    lengths: Doubles
    depths: Doubles
    lens: Doubles
    directions: Doubles
    cost: float

    def weights(self) -> Doubles:
        """(O,) of the observations, by Cauchy's function."""
        weights: Doubles = 1.0 / (_ALIKE * (1.0 + np.sum(self.pixels**2, axis=1)))
        return weights


@dataclass(frozen=True)
class Derivatives:
    """Jacobians by ``poses`` (M, 6N) and ``depths`` (M, P), sparse, and by the ``lens`` of the
    ``errors`` (M,) of pixels, links and lengths, with their ``weights`` (M,)."""

    poses: csr_array
    depths: csr_array
    lens: Doubles
    weights: Doubles
    errors: Doubles


class Bundle:
    """``focal`` (2,) and ``principal`` (2,) pixels of the camera."""

    def __init__(
        self,
        seen: Observations,
        links: Links,
        lengths: Lengths,
        focal: Doubles,
        principal: Doubles,
    ) -> None:
        self._seen, self._links, self._lengths = seen, links, lengths
        self._focal, self._principal = focal, principal
        self._host: Indices = seen.host[seen.point]

    def errors(self, state: State) -> Errors:
        """What the state says less what was seen, over its deviation."""
        seen = self._seen
        y = self._directions(state)
        in_front: NDArray[np.bool_] = y[:, 2] > _IN_FRONT
        z = np.where(in_front, y[:, 2], 1.0)
        places = state.lens.seen(np.where(in_front[:, None], y[:, :2] / z[:, None], 0.0))
        e = (self._focal * places + self._principal - seen.pixels) / _PIXEL
        e[~in_front] = _BEHIND
        links = self._links.errors(state.rotations, state.centres)
        lengths = self._lengths.errors(state.centres)
        depths = np.log(state.inverse_depth / seen.inverse_depth) / _DEPTH
        robust = float(np.sum(np.log1p(np.sum(e**2, axis=1)))) / _ALIKE
        cost = robust + sum(float(np.sum(other**2)) for other in (links, lengths, depths))
        lens = state.lens.errors()
        cost += float(np.sum(lens**2))
        return Errors(e, links, lengths, depths, lens, y, cost)

    def derivatives(self, state: State, errors: Errors) -> Derivatives:
        """Of the errors at ``state``, by poses and log inverse depths."""
        seen, host, y = self._seen, self._host, errors.directions
        R_target = state.rotations[seen.target].swapaxes(1, 2)
        by_y, by_lens = self._projection_jacobians(y, state.lens)
        by_map = by_y @ R_target
        inverse_depth = state.inverse_depth[seen.point]
        apart = inverse_depth[:, None] * (state.centres[host] - state.centres[seen.target])
        of_depth = np.einsum("nij,nj->ni", by_map, apart)
        by_centre = inverse_depth[:, None, None] * by_map
        rays = self._rays(state.lens)
        by_ray = by_map @ state.rotations[host]
        turned = by_ray @ hat_arrays(rays[seen.point])
        of_places = state.lens.places_by_lens(rays[:, :2])[seen.point]
        of_lens = by_ray[:, :, :2] @ of_places + by_lens
        of_host = np.concatenate([by_centre, -turned], axis=2)
        of_target = np.concatenate([-by_centre, by_y @ hat_arrays(y)], axis=2)
        of_first, of_second = self._links.jacobians(state.rotations, state.centres)
        of_length = self._lengths.jacobian(state.centres)
        poses = _sparse(
            [(of_host, host), (of_first, self._links.first), (-of_length, self._lengths.first)],
            len(state.rotations),
        )
        poses += _sparse(
            [
                (of_target, seen.target),
                (of_second, self._links.second),
                (of_length, self._lengths.second),
            ],
            len(state.rotations),
        )
        used, rows = 2 * len(host), poses.shape[0]
        lens = np.zeros((rows, PARAMETERS))
        lens[:used] = of_lens.reshape(used, PARAMETERS)
        depths = csr_array(
            (of_depth.ravel(), (np.arange(used), np.repeat(seen.point, 2))),
            shape=(rows, len(seen.host)),
        )
        weights = np.concatenate([np.repeat(errors.weights(), 2), np.ones(rows - used)])
        parts = errors.pixels, errors.links, errors.lengths
        return Derivatives(poses, depths, lens, weights, np.concatenate([e.ravel() for e in parts]))

    def _directions(self, state: State) -> Doubles:
        seen, host = self._seen, self._host
        rays = self._rays(state.lens)
        ray = np.einsum("nij,nj->ni", state.rotations[host], rays[seen.point])
        apart = state.centres[host] - state.centres[seen.target]
        in_map = ray + state.inverse_depth[seen.point, None] * apart
        y: Doubles = np.einsum("nji,nj->ni", state.rotations[seen.target], in_map)
        return y

    def _rays(self, lens: Lens) -> Doubles:
        """(P, 3) with z = 1, of the pixels of the points."""
        rays = np.ones_like(self._seen.rays)
        rays[:, :2] = lens.places(self._seen.rays[:, :2])
        return rays

    def _projection_jacobians(self, y: Doubles, lens: Lens) -> tuple[Doubles, Doubles]:
        """Whitened pixels by direction, (O, 2, 3), and by the lens where that is (O, 2, 2); zero
        for what is behind."""
        in_front = y[:, 2] > _IN_FRONT
        inverse = np.where(in_front, 1.0 / np.where(in_front, y[:, 2], 1.0), 0.0)
        places = y[:, :2] * inverse[:, None]
        of_places = np.zeros((len(y), 2, 3))
        of_places[:, :, :2] = inverse[:, None, None] * np.eye(2)
        of_places[:, :, 2] = -places * inverse[:, None]
        pixels = self._focal[:, None] / _PIXEL
        by_lens = in_front[:, None, None] * pixels * lens.seen_by_lens(places)
        return pixels * (lens.seen_by_place(places) @ of_places), by_lens


def depth_weight() -> float:
    """Information of the log of an inverse depth that it begins with."""
    return 1.0 / _DEPTH**2


def _sparse(parts: list[tuple[Doubles, Indices]], poses: int) -> csr_array:
    """Sparse (M, 6N) of blocks (K, m, 6) one below the other, each with the pose (K,) that it is
    of."""
    own = np.concatenate([np.repeat(pose, blocks.shape[1]) for blocks, pose in parts])
    values = np.concatenate([blocks.ravel() for blocks, _ in parts])
    columns = (POSE * own[:, None] + np.arange(POSE)).ravel()
    starts = POSE * np.arange(len(own) + 1)
    return csr_array((values, columns, starts), shape=(len(own), POSE * poses))
