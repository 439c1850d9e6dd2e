"""Direct alignment of a new image against the newest keyframe, coarse to fine.

Unknowns: the pose and the brightness of the new image. Photometric residuals of the keyframe's
points and reprojection residuals of its corners form one 8 x 8 system, which is solved on the host
(Levenberg-Marquardt); the sums over the points are in ``alignment_terms_torch``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.linalg.lapack import dposv
from torch import Tensor

from denseba_ros.backend.problem import FRAME_DOF, Noise
from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.backend.window import Points
from denseba_ros.geometry import pose_step
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.rotation_array import vector_from_rotation
from denseba_ros.slam.tracking.alignment_terms_cpu import FusedTerms
from denseba_ros.slam.tracking.alignment_terms_torch import Doubles, Terms, TorchTerms
from denseba_ros.slam.tracking.reference import Corners, CurrentView, Reference

# A level ends at a step below this (norm of translation and rotation); doubled per coarser level.
_CONVERGED = 2e-4
# Standard deviation of the brightness change between keyframe and image (log gain, grey levels).
_AFFINE_SIGMA = np.array([0.3, 15.0])


@dataclass(frozen=True)
class Alignment:
    """Result of the tracker.

    ``T`` (4, 4) float64 T_current_reference; ``affine`` (2,) float64 brightness of the current
    image; ``H`` (8, 8) information of both; ``visible`` ratio of the points inside the image;
    ``inliers``, ratio of these; ``similarity``, zero-mean normalised cross-correlation (-1 to 1) of
    their brightness with the keyframe's (any image fits a uniform one once the gain is low enough,
    so inliers alone do not suffice); ``corner_inliers``, a count; ``flow``, mean image motion of
    the points in pixels of level 0; ``turn``, the measurement that counted beside the image.
    """

    T: Tensor
    affine: Tensor
    H: Tensor
    visible: float
    inliers: float
    similarity: float
    corner_inliers: int
    flow: float
    turn: MeasuredTurn | None = None


@dataclass(frozen=True)
class _Prior:
    """What is known beside the image: brightness ``affine`` (2,) of the reference, from which it
    changes a little, and the ``turn`` from the reference, None without a gyroscope."""

    affine: Doubles
    turn: MeasuredTurn | None


@dataclass(frozen=True)
class _Normal:
    """Normal equations at ``T`` (4, 4) and ``affine`` (2,), with energy and ratios there."""

    T: Doubles
    affine: Doubles
    H: Doubles
    b: Doubles
    energy: float
    visible: float
    inlier_ratio: float


class Tracker:
    """Aligns images with a reference; holds only settings."""

    def __init__(
        self, camera: Pinhole, levels: tuple[int, ...], iterations: int, noise: Noise
    ) -> None:
        """``camera`` of level 0; pyramid ``levels`` in order; ``iterations`` at most per level."""
        self.camera = camera
        self.levels = levels
        self.iterations = iterations
        self.noise = noise

    def reference(self, points: Points, pyramid: list[Tensor], affine: Tensor) -> Reference:
        """Sample the points of a keyframe from its pyramid, once for all later images.

        ``pyramid`` per level (1, 3, h, w); ``affine`` (2,) brightness of the keyframe.
        """
        return Reference.cut(self.camera, points, pyramid, affine, self.levels, self.noise)

    def align(
        self,
        reference: Reference,
        view: CurrentView,
        T: Tensor,
        affine: Tensor,
        turn: MeasuredTurn | None = None,
    ) -> Alignment:
        """Align from the initial guess ``T`` (4, 4) T_current_reference and ``affine`` (2,), both
        float64, on each level until the step is small; ``turn`` is a measurement beside the
        image."""
        terms = self._terms(reference, view)
        pose, brightness = T.cpu().numpy(), affine.cpu().numpy()
        prior = _Prior(reference.affine.cpu().numpy(), turn)
        for level in self.levels:
            normal = self._align_level(terms, prior, pose, brightness, level)
            pose, brightness = normal.T, normal.affine
        zncc = terms.zncc(pose, self.levels[-1])
        device = reference.rays.device
        return Alignment(
            torch.from_numpy(pose).to(device),
            torch.from_numpy(brightness).to(device),
            torch.from_numpy(normal.H).to(device),
            normal.visible,
            normal.inlier_ratio,
            zncc.similarity,
            terms.corners(pose, 0).corner_inliers,
            zncc.flow,
            turn,
        )

    def align_corners(self, reference: Reference, corners: Corners, T: Tensor) -> Tensor:
        """T_current_reference (4, 4) from the corners alone, initialised at ``T`` (4, 4).

        It is an initial guess for ``align``, with a wide basin of convergence.
        """
        terms = self._terms(reference, CurrentView([], corners))
        pose = T.cpu().numpy()
        for _ in range(self.iterations):
            residuals = terms.corners(pose, 0)
            step = _solve(residuals.H, residuals.b, 1e-6)
            if step is None:
                break
            pose = pose_step.exp(step) @ pose
            if np.linalg.norm(step) < _CONVERGED:
                break
        return torch.from_numpy(pose).to(T.device)

    def _terms(self, reference: Reference, view: CurrentView) -> Terms:
        on_cpu = reference.rays.device.type == "cpu"
        return (FusedTerms if on_cpu else TorchTerms)(reference, view, self.noise)

    def _align_level(
        self, terms: Terms, prior: _Prior, T: Doubles, affine: Doubles, level: int
    ) -> _Normal:
        """Levenberg-Marquardt on one level."""
        damping = 1e-3
        normal = _normal(terms, prior, T, affine, level)
        for _ in range(self.iterations):
            step = _solve(normal.H, normal.b, damping)
            if step is None:
                break
            T = pose_step.exp(step[:6]) @ normal.T
            candidate = _normal(terms, prior, T, normal.affine + step[6:], level)
            if candidate.energy < normal.energy:
                normal = candidate
                damping = max(damping * 0.2, 1e-6)
                if np.linalg.norm(step[:6]) < _CONVERGED * (1 << level):
                    break
            else:
                damping *= 10
                if damping > 10:
                    break
        return normal


def _normal(terms: Terms, prior: _Prior, T: Doubles, affine: Doubles, level: int) -> _Normal:
    """Normal equations of points, corners and the ``prior``."""
    photo, corners = terms.photometric(T, affine, level), terms.corners(T, level)
    H, b = photo.H.copy(), photo.b.copy()
    H[:6, :6] += corners.H
    b[:6] += corners.b
    information = _AFFINE_SIGMA**-2
    change = affine - prior.affine
    H[6:, 6:] += np.diag(information)
    b[6:] += information * change
    energy = photo.energy + corners.energy + 0.5 * float((information * change**2).sum())
    if prior.turn is not None:
        weight = prior.turn.sigma**-2.0
        off = vector_from_rotation(T[:3, :3] @ prior.turn.R_later_earlier.T)
        H[3:6, 3:6] += weight * np.eye(3)
        b[3:6] += weight * off
        energy += 0.5 * weight * float(off @ off)
    return _Normal(T, affine, H, b, energy, photo.visible, photo.inlier_ratio)


def _solve(H: Doubles, b: Doubles, damping: float) -> Doubles | None:
    """Damped step -(H + damping diag H)^-1 b; None when the system is singular."""
    damped = H + damping * np.diag(H.diagonal() + 1e-9)
    _, step, failed = dposv(damped, -b)
    return None if failed or not np.isfinite(step).all() else step


def frame_information(alignment: Alignment) -> Tensor:
    """Information (6, 6) float64 of the pose, with the brightness marginalised out."""
    H = alignment.H
    assert H.shape == (FRAME_DOF, FRAME_DOF)
    brightness: Tensor = torch.linalg.solve(H[6:, 6:], H[6:, :6])
    return H[:6, :6] - H[:6, 6:] @ brightness
