"""The tracker's cost, summed over the points: in plain torch, on any device.

Photometric residuals of the keyframe's points and reprojection residuals of its corners, each
weighted with its own noise and with the uncertainty of the point's depth. Engel, Koltun, Cremers,
"Direct sparse odometry", PAMI 40(3), 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.problem import Noise
from denseba_ros.geometry.pinhole import project_by, projection_jacobians
from denseba_ros.geometry.pyramid import inside, sample
from denseba_ros.slam.tracking.reference import CurrentView, Reference

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Photometric:
    """``H`` (8, 8), ``b`` (8,) by pose and brightness, robust ``energy``, ``visible`` ratio of the
    usable points inside the image and ``inlier_ratio`` of these (both 0 to 1)."""

    H: Doubles
    b: Doubles
    energy: float
    visible: float
    inlier_ratio: float


@dataclass(frozen=True)
class Reprojection:
    """``H`` (6, 6), ``b`` (6,) by pose, robust ``energy`` and the number of ``corner_inliers``."""

    H: Doubles
    b: Doubles
    energy: float
    corner_inliers: int


@dataclass(frozen=True)
class Zncc:
    """``flow``: mean image motion of the points, pixels of level 0; ``similarity``: zero-mean
    normalised cross-correlation (-1 to 1) of their brightness in both images."""

    flow: float
    similarity: float


class Terms(Protocol):
    """Sums for one image and one reference; ``T`` (4, 4) float64 is T_current_reference, ``affine``
    (2,) float64 the image's brightness (log gain, offset in grey levels), ``level`` of the pyramid.
    Results are finite for any points."""

    def photometric(self, T: Doubles, affine: Doubles, level: int) -> Photometric:
        """Normal equations and robust energy of the photometric residuals."""
        ...

    def corners(self, T: Doubles, level: int) -> Reprojection:
        """Normal equations and robust energy of the reprojection residuals; coarser levels weigh
        them less."""
        ...

    def zncc(self, T: Doubles, level: int) -> Zncc:
        """Mean flow of the points and similarity of their brightness."""
        ...


class TorchTerms:
    """The reference implementation; results come to the host in one transfer each."""

    def __init__(self, reference: Reference, view: CurrentView, noise: Noise) -> None:
        """``view`` of the image to align with ``reference``."""
        self._reference = reference
        self._view = view
        self._noise = noise

    def photometric(self, T: Doubles, affine: Doubles, level: int) -> Photometric:
        """Photometric residuals on a pyramid level, as in ``Terms``."""
        reference, noise = self._reference, self._noise
        host = reference.levels[level]
        camera, usable, d = host.camera, host.usable, reference.inverse_depth
        pose = self._on_device(T)
        p = project_by(camera, reference.rays, d, pose)
        visible = inside(p.pixels, camera.width, camera.height, 1.0) & p.in_front & usable
        # Points that are not visible may have any pixel, or NaN.
        pixels = torch.where(visible[:, None], p.pixels, 0.0)
        values = sample(self._view.pyramid[level], pixels[None])[0]
        gain, host_offset, offset = self._brightness(affine)
        model = gain * (host.brightness - host_offset)
        r = values[0] - offset - model
        J_pose, J_depth = projection_jacobians(camera, p, pose[:3, 3])
        g = values[1:].T
        by_depth = (g * J_depth).sum(-1) * d * reference.relative_sigma
        variance = noise.intensity**2 / host.gradient_weight + by_depth**2
        size = r.abs() * variance.rsqrt()
        k, cut = noise.huber, noise.cutoff
        is_inlier = visible & (size < cut)
        weight = k / size.clamp(min=k) / variance
        J = torch.cat(
            [(g[:, None] @ J_pose)[:, 0], -model[:, None], -torch.ones_like(model)[:, None]], -1
        )
        J = torch.where(is_inlier[:, None], J, 0.0)
        WJ = J * torch.where(is_inlier, weight, 0.0)[:, None]
        energy = torch.where(size < k, 0.5 * size**2, k * (size - 0.5 * k))
        cost = torch.where(usable, torch.where(is_inlier, energy, k * (cut - 0.5 * k)), 0.0)
        flat = _to_host(
            WJ.T @ J,
            WJ.T @ torch.where(is_inlier, r, 0.0),
            cost.sum(dtype=torch.float64),
            visible.sum().double() / usable.sum().clamp(min=1),
            is_inlier.sum().double() / visible.sum().clamp(min=1),
        )
        return Photometric(flat[:64].reshape(8, 8), flat[64:72], *flat[72:].tolist())

    def corners(self, T: Doubles, level: int) -> Reprojection:
        """Reprojection residuals, weighted for a pyramid level, as in ``Terms``."""
        reference, noise, corners = self._reference, self._noise, self._view.corners
        f = len(corners.pixels)
        d = reference.inverse_depth[:f]
        pose = self._on_device(T)
        p = project_by(reference.camera, reference.rays[:f], d, pose)
        J, J_depth = projection_jacobians(reference.camera, p, pose[:3, 3])
        e = p.pixels - corners.pixels
        along = J_depth * (d * reference.relative_sigma[:f])[:, None]
        # Sherman-Morrison inverse of sigma^2 I + along along^T.
        s2 = noise.pixel**2
        share = along / (s2 + (along**2).sum(-1, keepdim=True)).sqrt()
        white = (torch.eye(2, device=e.device) - share[:, :, None] * share[:, None]) / s2
        size = (e[:, None] @ white @ e[..., None])[:, 0, 0].clamp(min=0).sqrt()
        ok = corners.ok & p.in_front & reference.valid[:f] & torch.isfinite(size)
        k, cut = noise.huber, noise.pixel_cutoff
        weight = k / size.clamp(min=k) * torch.where(size < cut, 1.0, (cut / size) ** 2)
        # The pixels of coarser levels are larger, so corners weigh less there.
        coarse = 1.0 / (1 << (2 * max(level - 1, 0)))
        J, e = (torch.where(ok.reshape(f, *[1] * (x.dim() - 1)), x, 0.0) for x in (J, e))
        W = torch.where(ok[:, None, None], white * (weight * coarse)[:, None, None], 0.0)
        JW = J.transpose(-1, -2) @ W
        energy = torch.where(size < k, 0.5 * size**2, k * (size - 0.5 * k))
        far = k * (cut - 0.5 * k) + k * cut * torch.log((size / cut).clamp(min=1.0))
        energy = torch.where(size < cut, energy, far)
        flat = _to_host(
            (JW @ J).sum(0),
            (JW @ e[..., None])[..., 0].sum(0),
            torch.where(ok, energy, 0.0).sum(dtype=torch.float64) * coarse,
            (ok & (size < cut)).sum(),
        )
        return Reprojection(flat[:36].reshape(6, 6), flat[36:42], float(flat[42]), int(flat[43]))

    def zncc(self, T: Doubles, level: int) -> Zncc:
        """Mean flow and similarity on a pyramid level, as in ``Terms``."""
        reference, pose = self._reference, self._on_device(T)
        p = project_by(reference.camera, reference.rays, reference.inverse_depth, pose)
        ok = reference.valid & p.in_front
        motion = torch.linalg.vector_norm(p.pixels - reference.pixels, dim=-1)
        flow = torch.where(ok, motion, 0.0).sum(dtype=torch.float64) / ok.sum().clamp(min=1)
        host = reference.levels[level]
        p = project_by(host.camera, reference.rays, reference.inverse_depth, pose)
        both = inside(p.pixels, host.camera.width, host.camera.height, 1.0) & p.in_front
        both &= host.usable
        if int(both.sum()) < 2:
            return Zncc(float(flow), 0.0)
        image = self._view.pyramid[level][:, :1]
        pair = torch.stack([host.brightness[both], sample(image, p.pixels[None, both])[0, 0]])
        correlation = torch.corrcoef(pair.double())[0, 1]
        return Zncc(float(flow), float(torch.nan_to_num(correlation)))

    def _on_device(self, T: Doubles) -> Tensor:
        rays = self._reference.rays
        return torch.from_numpy(T).to(rays.device, rays.dtype)

    def _brightness(self, affine: Doubles) -> tuple[float, float, float]:
        """Gain between reference and image, and the offsets of both, in grey levels."""
        log_gain, offset = self._reference.affine.tolist()
        return float(np.exp(affine[0] - log_gain)), offset, float(affine[1])


def _to_host(*parts: Tensor) -> Doubles:
    """All values of tensors on one device as one array (K,), in one transfer."""
    values: Doubles = torch.cat([part.double().reshape(-1) for part in parts]).cpu().numpy()
    return values
