"""Direct alignment of a new image against the newest keyframe, coarse to fine.

Unknowns: the pose and the brightness of the new image. Photometric residuals of the keyframe's
points and reprojection residuals of its corners meet in one small system, each weighted with its
own noise and with the uncertainty of the point's depth. Engel, Koltun, Cremers, DSO, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.problem import FRAME_DOF, Noise
from denseba_ros.backend.window import Points
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project_by, projection_jacobians
from denseba_ros.geometry.pyramid import inside, sample

# A step below this (metres and radians together) ends a level; half the pixels, twice the step.
_CONVERGED = 5e-5
# Deviations of the brightness change between keyframe and image (log gain, grey levels).
_AFFINE_SIGMA = (0.3, 15.0)


@dataclass(frozen=True)
class ReferenceLevel:
    """The reference's points on one pyramid level, cut out once: ``brightness`` (N,), ``trust``
    (N,) weight by gradient and ``usable`` (N,) away from the border."""

    camera: Pinhole
    brightness: Tensor
    trust: Tensor
    usable: Tensor


@dataclass(frozen=True)
class Reference:
    """Points of the newest keyframe that can be tracked; corners are the first.

    ``pixels`` (N, 2), ``rays`` (N, 3), ``inverse_depth``, ``relative_sigma`` and ``valid`` (N,),
    ``affine`` (2,) float64 of the keyframe, ``levels`` by pyramid level.
    """

    pixels: Tensor
    rays: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    valid: Tensor
    affine: Tensor
    levels: dict[int, ReferenceLevel]


@dataclass(frozen=True)
class Corners:
    """Where the reference's corners were found: ``places`` (F, 2), ``ok`` (F,)."""

    places: Tensor
    ok: Tensor


@dataclass(frozen=True)
class Seen:
    """What the new image shows: its ``pyramid`` and the reference's ``corners`` found in it."""

    pyramid: list[Tensor]
    corners: Corners


@dataclass(frozen=True)
class Alignment:
    """Result: ``T`` (4, 4) float64 T_current_reference, ``affine`` (2,) of the current image,
    ``H`` (8, 8) information, ``visible`` share of the points inside the image, ``inliers`` share
    of those that fit, ``similarity`` correlation (-1 to 1) of their brightness with the keyframe's,
    ``corner_inliers`` count and ``flow`` mean move in working pixels."""

    T: Tensor
    affine: Tensor
    H: Tensor
    visible: float
    inliers: float
    similarity: float
    corner_inliers: int
    flow: float


@dataclass(frozen=True)
class _Normal:
    H: Tensor
    b: Tensor
    energy: Tensor
    visible: Tensor
    fits: Tensor


class Tracker:
    """Aligns images with a reference; holds only settings."""

    def __init__(
        self, camera: Pinhole, levels: tuple[int, ...], iterations: int, noise: Noise
    ) -> None:
        self.camera = camera
        self.levels = levels
        self.iterations = iterations
        self.noise = noise

    def reference(self, points: Points, pyramid: list[Tensor], affine: Tensor) -> Reference:
        """Cut the points of a keyframe out of its pyramid, once for all images to come."""
        levels = {}
        for level in self.levels:
            camera = self.camera.level(level)
            pixels = (points.pixels + 0.5) / (1 << level) - 0.5
            values = sample(pyramid[level], pixels[None])[0]
            c2 = self.noise.gradient**2
            trust = c2 / (c2 + values[1] ** 2 + values[2] ** 2)
            usable = points.valid & inside(pixels, camera.width, camera.height, 1.0)
            levels[level] = ReferenceLevel(camera, values[0], trust, usable)
        return Reference(
            points.pixels,
            self.camera.rays(points.pixels),
            points.inverse_depth,
            points.relative_sigma,
            points.valid,
            affine,
            levels,
        )

    def align(self, reference: Reference, seen: Seen, T: Tensor, affine: Tensor) -> Alignment:
        """Align from the start (T, affine), on each level until the step is small."""
        for level in self.levels:
            T, affine, normal = self._align_level(reference, seen, T, affine, level)
        return self._summary(reference, seen, T, affine, normal)

    def align_corners(self, reference: Reference, corners: Corners, T: Tensor) -> Tensor:
        """Pose (4, 4) from the corners alone: a start with a wide basin."""
        for _ in range(self.iterations):
            H, b, _, _ = self._corner_terms(reference, corners, T, 0)
            step, ok = _solve(H, b, 1e-6)
            if not ok:
                break
            T = se3.exp(step) @ T
            if float(step.norm()) < _CONVERGED:
                break
        return T

    def _align_level(
        self, reference: Reference, seen: Seen, T: Tensor, affine: Tensor, level: int
    ) -> tuple[Tensor, Tensor, _Normal]:
        """Levenberg-Marquardt on one level."""
        damping = 1e-3
        normal = self._normal(reference, seen, T, affine, level)
        for _ in range(self.iterations):
            step, ok = _solve(normal.H, normal.b, damping)
            if not ok:
                break
            T_new, affine_new = se3.exp(step[:6]) @ T, affine + step[6:]
            candidate = self._normal(reference, seen, T_new, affine_new, level)
            if float(candidate.energy) < float(normal.energy):
                T, affine, normal = T_new, affine_new, candidate
                damping = max(damping * 0.2, 1e-6)
                if float(step[:6].norm()) < _CONVERGED * (1 << level):
                    break
            else:
                damping *= 10
                if damping > 10:
                    break
        return T, affine, normal

    def _normal(
        self, reference: Reference, seen: Seen, T: Tensor, affine: Tensor, level: int
    ) -> _Normal:
        """Normal equations (8, 8), (8,) and mean robust energy of one level."""
        photo = self._photometric_terms(reference, seen.pyramid, T, affine, level)
        H_c, b_c, e_c, _ = self._corner_terms(reference, seen.corners, T, level)
        H, b = photo.H, photo.b
        H[:6, :6] += H_c
        b[:6] += b_c
        information = b.new_tensor([s**-2 for s in _AFFINE_SIGMA])
        change = affine - reference.affine
        H[6:, 6:] += torch.diag(information)
        b[6:] += information * change
        energy = photo.energy + e_c + 0.5 * (information * change**2).sum()
        return _Normal(H, b, energy, photo.visible, photo.fits)

    def _photometric_terms(
        self, reference: Reference, pyramid: list[Tensor], T: Tensor, affine: Tensor, level: int
    ) -> _Normal:
        host = reference.levels[level]
        camera = host.camera
        d = reference.inverse_depth
        p = project_by(camera, reference.rays, d, T)
        values = sample(pyramid[level], p.pixels[None])[0]
        usable = host.usable
        visible = inside(p.pixels, camera.width, camera.height, 1.0) & p.in_front & usable
        gain = torch.exp(affine[0] - reference.affine[0]).float()
        model = gain * (host.brightness - reference.affine[1].float())
        r = values[0] - affine[1].float() - model
        J_pose, J_depth = projection_jacobians(camera, p, T[:3, 3].float())
        g = values[1:].T
        by_depth = (g * J_depth).sum(-1) * d * reference.relative_sigma
        variance = self.noise.intensity**2 / host.trust + by_depth**2
        size = r.abs() * variance.rsqrt()
        k, cut = self.noise.huber, self.noise.cutoff
        weight = visible * (size < cut) * (k / size.clamp(min=k)) / variance
        J = torch.cat(
            [(g[:, None] @ J_pose)[:, 0], -model[:, None], -torch.ones_like(model)[:, None]], -1
        )
        WJ = J * weight[:, None]
        clipped = size.clamp(max=cut)
        energy = torch.where(clipped < k, 0.5 * clipped**2, k * (clipped - 0.5 * k))
        cap = k * (cut - 0.5 * k)
        cost = torch.where(visible, energy, cap * usable)
        return _Normal(
            (WJ.T @ J).double(),
            (WJ.T @ r).double(),
            cost.sum(dtype=torch.float64),
            visible.sum() / usable.sum().clamp(min=1),
            (visible & (size < cut)).sum() / visible.sum().clamp(min=1),
        )

    def _corner_terms(
        self, reference: Reference, corners: Corners, T: Tensor, level: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Information (6, 6), gradient (6,), energy and inliers (F,) of the corners.

        A corner's error ellipse is the pixel noise plus its depth's uncertainty along the
        epipolar line, which leaves rotation well known when depth is not.
        """
        f = len(corners.places)
        d = reference.inverse_depth[:f]
        p = project_by(self.camera, reference.rays[:f], d, T)
        J, J_depth = projection_jacobians(self.camera, p, T[:3, 3].float())
        e = p.pixels - corners.places
        along = J_depth * (d * reference.relative_sigma[:f])[:, None]
        # Sherman-Morrison inverse of sigma^2 I + along along^T.
        s2 = self.noise.pixel**2
        share = along / (s2 + (along**2).sum(-1, keepdim=True)).sqrt()
        white = (torch.eye(2, device=e.device) - share[:, :, None] * share[:, None]) / s2
        size = (e[:, None] @ white @ e[..., None])[:, 0, 0].clamp(min=0).sqrt()
        ok = corners.ok & p.in_front & reference.valid[:f]
        k, cut = self.noise.huber, self.noise.pixel_cutoff
        near = ok & (size < cut)
        # Coarser levels see the corners through their own pixels, so they count less there.
        weight = ok * (k / size.clamp(min=k)) * torch.where(size < cut, 1.0, (cut / size) ** 2)
        W = white * (weight / (1 << (2 * max(level - 1, 0))))[:, None, None]
        JW = J.transpose(-1, -2) @ W
        H = (JW @ J).sum(0).double()
        b = (JW @ e[..., None])[..., 0].sum(0).double()
        energy = torch.where(size < k, 0.5 * size**2, k * (size - 0.5 * k))
        energy = torch.where(
            size < cut,
            energy,
            k * (cut - 0.5 * k) + k * cut * torch.log((size / cut).clamp(min=1.0)),
        )
        total = (energy * ok).sum(dtype=torch.float64) / (1 << (2 * max(level - 1, 0)))
        return H, b, total, near

    def _similarity(self, reference: Reference, pyramid: list[Tensor], T: Tensor) -> float:
        """Correlation of the points' brightness in both images: inliers alone do not tell a grey
        wall, which any image fits once the gain is low enough."""
        level = self.levels[-1]
        host = reference.levels[level]
        p = project_by(host.camera, reference.rays, reference.inverse_depth, T)
        seen = inside(p.pixels, host.camera.width, host.camera.height, 1.0) & p.in_front
        seen &= host.usable
        if int(seen.sum()) < 2:
            return 0.0
        pair = torch.stack([host.brightness, sample(pyramid[level][:, :1], p.pixels[None])[0, 0]])
        correlation = torch.corrcoef(pair[:, seen].double())[0, 1]
        return float(torch.nan_to_num(correlation))

    def _summary(
        self, reference: Reference, seen: Seen, T: Tensor, affine: Tensor, normal: _Normal
    ) -> Alignment:
        near = self._corner_terms(reference, seen.corners, T, 0)[3]
        p = project_by(self.camera, reference.rays, reference.inverse_depth, T)
        ok = reference.valid & p.in_front
        move = torch.linalg.vector_norm(p.pixels - reference.pixels, dim=-1)
        flow = (move * ok).sum() / ok.sum().clamp(min=1)
        return Alignment(
            T,
            affine,
            normal.H,
            float(normal.visible),
            float(normal.fits),
            self._similarity(reference, seen.pyramid, T),
            int(near.sum()),
            float(flow),
        )


def _solve(H: Tensor, b: Tensor, damping: float) -> tuple[Tensor, bool]:
    """Damped step -(H + damping diag H)^-1 b, and whether the system could be solved."""
    factor, info = torch.linalg.cholesky_ex(H + damping * torch.diag(H.diagonal() + 1e-9))
    step = -torch.cholesky_solve(b[:, None], factor)[:, 0]
    return step, int(info) == 0 and bool(torch.isfinite(step).all())


def frame_information(alignment: Alignment) -> Tensor:
    """Information (6, 6) of the pose alone, the brightness eliminated."""
    H = alignment.H
    assert H.shape == (FRAME_DOF, FRAME_DOF)
    brightness: Tensor = torch.linalg.solve(H[6:, 6:], H[6:, :6])
    return H[:6, :6] - H[:6, 6:] @ brightness
