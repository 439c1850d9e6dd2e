"""Bundle adjustment of a camera's intrinsics with all poses and points, and their covariance.

Levenberg-Marquardt on the normal equations with the points eliminated (Triggs, McLauchlan, Hartley,
Fitzgibbon, "Bundle adjustment - a modern synthesis", 1999). The error is measured by Cauchy's
robust function; the noise of the pixels is estimated from the residuals.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import linalg

from denseba_ros.calibration.normal_equations import (
    CAMERA,
    CUT,
    POINT,
    POSE,
    NormalEquations,
    State,
    normal_equations,
)
from denseba_ros.calibration.projection import project
from denseba_ros.calibration.structure import Floats, Structure
from denseba_ros.calibration.usual_cameras import UsualCamera
from denseba_ros.geometry.calibration import DistortionModel

_ITERATIONS, _FACTOR, _MOST_DAMPING = 40, 10.0, 1e4
# Relative fall of the cost below which the adjustment has ended.
_FALL = 1e-7
# Pixel noise that the adjustment begins with, and the least.
_NOISE, _LEAST_NOISE = 0.7, 0.02
# Place, attitude and scale of the whole are free.
_GAUGE = 7
# Median length of two normal coordinates with deviation 1.
_MEDIAN_LENGTH = 1.1774
OVERCONFIDENCE = 8.0
"""How much larger than by independent pixel noise the deviations are. A corner's errors are alike
in all images (it is no point), and what moves or is read row by row is not modelled. Measured on
recordings of known cameras: docs/calibration.md."""


@dataclass(frozen=True)
class Adjusted:
    """A camera (8,) that fits a section, and ``information`` (8, 8), what the images say of it: the
    inverse covariance without the prior, poses and points unknown. ``noise`` (pixels) is that of
    one coordinate of the ``observations``."""

    camera: Floats
    information: Floats
    noise: float
    observations: int


def adjust(
    structure: Structure, camera: Floats, model: DistortionModel, prior: UsualCamera
) -> Adjusted:
    """The camera that fits a section best, beginning with ``camera`` (8,)."""
    state = State(
        np.array(camera, np.float64),
        np.stack([cv2.Rodrigues(T[:3, :3])[0][:, 0] for T in structure.T_camera_world]),
        structure.T_camera_world[:, :3, 3].copy(),
        structure.points.copy(),
    )
    # The images' information counts so much less; the prior is told instead.
    told = prior.strengthened(OVERCONFIDENCE)
    noise = _NOISE
    # Twice: with a guess of the noise, then with the noise that the residuals show.
    for _ in range(2):
        state = _minimise(structure, state, model, told, noise)
        noise = _noise(structure, state, model)
    normal = normal_equations(structure, state, model, told, noise)
    information = (_of_camera(normal.S) - told.information()) / OVERCONFIDENCE**2
    return Adjusted(state.camera, information, noise, len(structure.pixels))


def _minimise(
    structure: Structure, state: State, model: DistortionModel, prior: UsualCamera, noise: float
) -> State:
    damping, cost = 1e-4, _cost(structure, state, model, prior, noise)
    for _ in range(_ITERATIONS):
        normal = normal_equations(structure, state, model, prior, noise, damping)
        moved = _stepped(state, normal)
        new = np.inf if moved is None else _cost(structure, moved, model, prior, noise)
        if moved is None or not new < cost:
            damping *= _FACTOR
            if damping > _MOST_DAMPING:
                break
            continue
        fall, state, cost = (cost - new) / cost, moved, new
        damping = max(1e-7, damping / _FACTOR)
        if fall < _FALL:
            break
    return state


def _stepped(state: State, normal: NormalEquations) -> State | None:
    """After the step that solves the system; None where it is not positive definite."""
    try:
        step = -linalg.cho_solve(linalg.cho_factor(normal.S), normal.b)
    except linalg.LinAlgError:
        return None
    return state.moved(step, normal.points(step))


def _residuals(structure: Structure, state: State, model: DistortionModel) -> Floats:
    """Predicted minus observed pixels (M, 2)."""
    residuals = np.empty_like(structure.pixels)
    for index in range(len(state.rotation)):
        rows = np.flatnonzero(structure.camera == index)
        if rows.size:
            pose = state.rotation[index], state.translation[index]
            points = state.points[structure.point[rows]]
            seen = project(model, state.camera, *pose, points)
            residuals[rows] = seen.pixels - structure.pixels[rows]
    return residuals


def _cost(
    structure: Structure, state: State, model: DistortionModel, prior: UsualCamera, noise: float
) -> float:
    """Cauchy's: half the sum of c² log(1 + r² / c²), and the prior's."""
    if min(state.camera[:2]) <= 0.0:
        return np.inf
    squared = np.sum((_residuals(structure, state, model) / noise) ** 2, axis=-1)
    cost = 0.5 * CUT**2 * float(np.sum(np.log1p(squared / CUT**2))) + prior.cost(state.camera)
    return cost if np.isfinite(cost) else np.inf


def _noise(structure: Structure, state: State, model: DistortionModel) -> float:
    """Deviation of a pixel coordinate by the median residual; fitted unknowns make that smaller."""
    error = np.linalg.norm(_residuals(structure, state, model), axis=-1)
    unknowns = POINT * len(state.points) + POSE * len(state.rotation)
    share = max(0.05, 1.0 - unknowns / (2.0 * len(error)))
    return max(_LEAST_NOISE, float(np.median(error)) / _MEDIAN_LENGTH / float(np.sqrt(share)))


def _of_camera(S: Floats) -> Floats:
    """Information on the camera (8, 8) with the poses eliminated, whose gauge has none."""
    A, B, C = S[:CAMERA, :CAMERA], S[:CAMERA, CAMERA:], S[CAMERA:, CAMERA:]
    # Rotations and translations have different units: with equal diagonals the smallest eigenvalues
    # are those of the gauge.
    scale = 1.0 / np.sqrt(np.diag(C))
    values, vectors = np.linalg.eigh(C * scale[:, None] * scale[None, :])
    kept = vectors[:, _GAUGE:] / np.sqrt(values[_GAUGE:])
    part = (B * scale[None, :]) @ kept
    information: Floats = A - part @ part.T
    return information
