"""Least-squares alignment of two paths (Umeyama, PAMI 13(4), 1991)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.errors import TrajectoryError

# Of the covariance of two paths: a second singular value below this share is rounding.
_COLLINEAR = 1e-9
# Variance in m^2 of a path that stands still.
_STANDING = 1e-18


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation; ``rotation`` (3, 3), ``translation`` (3,).

    ``is_collinear``: one of the paths is a straight line, so the rotation about it is arbitrary.
    """

    scale: float
    rotation: np.ndarray
    translation: np.ndarray
    is_collinear: bool = False

    def points(self, points: np.ndarray) -> np.ndarray:
        """Transform points (N, 3)."""
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)

    def poses(self, T_world_camera: np.ndarray) -> np.ndarray:
        """Transform T_world_camera (N, 4, 4); they stay rigid, only positions are scaled."""
        mapped = T_world_camera.copy()
        mapped[:, :3, :3] = self.rotation @ T_world_camera[:, :3, :3]
        mapped[:, :3, 3] = self.points(T_world_camera[:, :3, 3])
        return mapped


def umeyama(source: np.ndarray, target: np.ndarray, with_scale: bool = True) -> Similarity:
    """The similarity (or rigid motion) of least squared distance from source to target, (N, 3).

    Where one of the paths is a straight line the rotation about it is arbitrary. Neither the
    distances nor the errors of relative motions depend on it. A source that stands still keeps its
    scale and rotation.

    Raises:
        TrajectoryError: with fewer than three points.
    """
    if source.shape != target.shape or len(source) < 3:
        raise TrajectoryError(f"alignment needs 3 matched poses or more, there are {len(source)}")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    variance = float((centred**2).sum() / len(source))
    if variance < _STANDING:
        # Neither scale nor rotation: only the two means can be laid upon each other.
        return Similarity(1.0, np.eye(3), target_mean - source_mean, is_collinear=True)
    covariance = (target - target_mean).T @ centred / len(source)
    U, singular, Vt = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(U) * np.linalg.det(Vt))])
    rotation = (U * signs) @ Vt
    scale = float(singular @ signs) / variance if with_scale else 1.0
    is_collinear = bool(singular[1] <= _COLLINEAR * singular[0])
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean, is_collinear)
