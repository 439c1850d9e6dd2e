"""Normal equations of cameras and points, the points eliminated (Schur complement)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from denseba_ros.calibration.projection import project
from denseba_ros.calibration.structure import Floats, Structure
from denseba_ros.calibration.usual_cameras import UsualCamera
from denseba_ros.geometry.calibration import DistortionModel

CAMERA, POSE, POINT = 8, 6, 3
"""Unknowns of the camera, of a pose and of a point."""
CUT = 3.0
"""Constant of Cauchy's robust function, in deviations of a pixel coordinate."""
_LEAST = 1e-12


@dataclass(frozen=True)
class State:
    """What is adjusted: ``camera`` (8,), ``rotation`` vectors (N, 3) and ``translation`` (N, 3) of
    T_camera_world, ``points`` (P, 3) in the world."""

    camera: Floats
    rotation: Floats
    translation: Floats
    points: Floats

    def moved(self, step: Floats, points: Floats) -> State:
        """After a step of camera and poses (8 + 6 N,) and one of the points (P, 3)."""
        poses = step[CAMERA:].reshape(-1, POSE)
        return State(
            self.camera + step[:CAMERA],
            self.rotation + poses[:, :3],
            self.translation + poses[:, 3:],
            self.points + points,
        )


@dataclass(frozen=True)
class NormalEquations:
    """``S`` step = -``b`` for camera and poses (8 + 6 N), in units of the noise."""

    S: Floats
    b: Floats
    inverse: Floats
    mixed: sparse.csr_matrix
    gradient: Floats

    def points(self, step: Floats) -> Floats:
        """The step of the points (P, 3) that belongs to one of camera and poses."""
        rest = self.gradient + (self.mixed.T @ step).reshape(-1, POINT)
        moved: Floats = -np.einsum("pij,pj->pi", self.inverse, rest)
        return moved


class _Sums:
    """Sums over the observations of one camera after another."""

    def __init__(self, cameras: int, points: int) -> None:
        self.H = np.zeros((CAMERA + POSE * cameras,) * 2)
        self.b = np.zeros(len(self.H))
        self.V, self.gradient = np.zeros((points, POINT, POINT)), np.zeros((points, POINT))
        self._by_camera = np.zeros((points, CAMERA, POINT))
        self._by_pose: list[tuple[int, np.ndarray, Floats]] = []

    def add(
        self, index: int, point: np.ndarray, J: Floats, C: Floats, error: Floats, weight: Floats
    ) -> None:
        """Errors (M, 2) of points (M,) in one camera; derivatives J (M, 2, 14) and C (M, 2, 3)."""
        WJ, WC = J * weight[:, None, None], C * weight[:, None, None]
        place = np.r_[0:CAMERA, CAMERA + POSE * index : CAMERA + POSE * (index + 1)]
        self.H[np.ix_(place, place)] += np.einsum("mri,mrj->ij", WJ, J)
        self.b[place] += np.einsum("mri,mr->i", WJ, error)
        np.add.at(self.V, point, np.swapaxes(WC, 1, 2) @ C)
        np.add.at(self.gradient, point, np.einsum("mri,mr->mi", WC, error))
        mixed = np.swapaxes(WJ, 1, 2) @ C
        np.add.at(self._by_camera, point, mixed[:, :CAMERA])
        self._by_pose.append((CAMERA + POSE * index, point, mixed[:, CAMERA:]))

    def mixed(self) -> sparse.csr_matrix:
        """Products of the derivatives by camera and poses (rows) and by points (3 P columns)."""
        rows, columns, values = [], [], []
        everyone = (0, np.arange(len(self.V)), self._by_camera)
        for first, point, block in [everyone, *self._by_pose]:
            row = first + np.arange(block.shape[1])[None, :, None]
            column = POINT * point[:, None, None] + np.arange(POINT)[None, None, :]
            rows.append(np.broadcast_to(row, block.shape).ravel())
            columns.append(np.broadcast_to(column, block.shape).ravel())
            values.append(block.ravel())
        places = (np.concatenate(rows), np.concatenate(columns))
        shape = (len(self.H), POINT * len(self.V))
        return sparse.csr_matrix((np.concatenate(values), places), shape=shape)


def normal_equations(
    structure: Structure,
    state: State,
    model: DistortionModel,
    prior: UsualCamera,
    noise: float,
    damping: float = 0.0,
) -> NormalEquations:
    """At ``state``, with Cauchy's weights; diagonals are multiplied by 1 + ``damping``.

    ``noise`` is the deviation of a pixel coordinate.
    """
    sums = _Sums(len(state.rotation), len(state.points))
    for index in range(len(state.rotation)):
        rows = np.flatnonzero(structure.camera == index)
        if rows.size == 0:
            continue
        point = structure.point[rows]
        pose = state.rotation[index], state.translation[index]
        seen = project(model, state.camera, *pose, state.points[point])
        error = (seen.pixels - structure.pixels[rows]) / noise
        weight = 1.0 / (1.0 + np.sum(error**2, axis=-1) / CUT**2)
        J = np.concatenate([seen.by_camera, seen.by_pose], axis=-1) / noise
        sums.add(index, point, J, seen.by_point / noise, error, weight)
    sums.H[:CAMERA, :CAMERA] += prior.information()
    sums.b[:CAMERA] += prior.gradient(state.camera)
    return _reduced(sums, damping)


def _reduced(sums: _Sums, damping: float) -> NormalEquations:
    for diagonal in (np.einsum("ii->i", sums.H), np.einsum("pii->pi", sums.V)):
        diagonal *= 1.0 + damping
        diagonal += _LEAST * (1.0 + diagonal)
    inverse, mixed = np.asarray(np.linalg.inv(sums.V), np.float64), sums.mixed()
    root = mixed @ sparse.block_diag(list(np.linalg.cholesky(inverse)), format="csr")
    S = sums.H - (root @ root.T).toarray()
    b = sums.b - mixed @ np.einsum("pij,pj->pi", inverse, sums.gradient).ravel()
    return NormalEquations(S, b, inverse, mixed, sums.gradient)
