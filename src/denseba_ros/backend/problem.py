"""The bundle-adjustment problem of one window: the measurements and the unknowns.

Shapes: K keyframes, of which G host points (all of them, but for marginalisation), N points per
host, F of them corners (the first F), P pixels per patch. Host i holds the point, target j sees
it; tensors over pairs are indexed [i, j] and have the shape (G, K, ...).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from denseba_ros.backend.prior.gaussian_prior import GaussianPrior
from denseba_ros.backend.rotation_links import RotationLinks
from denseba_ros.config import BackendConfig
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole

_DEFAULTS = BackendConfig()

# Six of the pose (translation, rotation) and two of the brightness (log gain a, offset b).
FRAME_DOF = 8


@dataclass(frozen=True)
class Variables:
    """Unknowns of the window.

    ``T`` (K, 4, 4) float64, T_camera_world; ``affine`` (K, 2) float64, brightness
    I = exp(a) * scene + b; ``inverse_depth`` (G, N) float32.
    """

    T: Tensor
    affine: Tensor
    inverse_depth: Tensor

    def retracted(self, frame_step: Tensor, depth_step: Tensor) -> Variables:
        """Variables after steps (K, 8) of the frames and (G, N) of the inverse depths.

        Poses are perturbed on the left, T <- exp(step[:, :6]) T; the others are added to.
        """
        return Variables(
            se3.exp(frame_step[:, :6]) @ self.T,
            self.affine + frame_step[:, 6:],
            self.inverse_depth + depth_step,
        )

    def if_accepted(self, accept: Tensor, other: Variables) -> Variables:
        """Self where the scalar bool tensor ``accept`` holds, else ``other``; no host sync."""
        return Variables(
            torch.where(accept, self.T, other.T),
            torch.where(accept, self.affine, other.affine),
            torch.where(accept, self.inverse_depth, other.inverse_depth),
        )


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the residuals and where they stop counting.

    What users configure has its default in ``BackendConfig``.
    """

    intensity: float = _DEFAULTS.intensity_noise
    """Grey levels, of sensor, model and interpolation together."""
    huber: float = 1.345
    """Residuals beyond this many deviations count linearly."""
    cutoff: float = 3.0
    """A patch whose mean residual exceeds this many deviations counts as hidden."""
    gradient: float = 50.0
    """Patch weight is c^2 / (c^2 + |gradient|^2), grey levels per pixel (DSO)."""
    pixel: float = _DEFAULTS.pixel_noise
    """Pixels of the working image, of an observed corner."""
    pixel_cutoff: float = 6.0
    """Corners farther off than this many deviations do not count."""


@dataclass(frozen=True)
class Problem:
    """Data of the window, all on one device.

    Attributes:
        camera: working-resolution camera; level l is camera.level(l).
        images: per level (K, 3, h, w) brightness and gradients.
        hosts: (G,) long, which keyframes the points belong to.
        pixels: (G, N, 2) points in working-resolution pixels of their host.
        valid: (G, N) bool, points that exist.
        prior_depth, prior_information: (G, N) mean and information of the inverse depth's prior.
        observed: (G, K, F, 2) pixels of host i's corners in target j; observed_ok (G, K, F) bool.
        inverse_depth_map: (K, 2, h, w) dense inverse depth and its relative deviation.
        grid_level: pyramid level of ``inverse_depth_map``.
        pose_prior: of the marginalised keyframes, and the gauge.
        uses_first_estimate: (K,) bool, frames whose geometric Jacobians stay at the prior's
            linearisation point.
        noise: scales of the residuals.
        rotation_links: rotations between neighbours that a gyroscope measured.
    """

    camera: Pinhole
    images: dict[int, Tensor]
    hosts: Tensor
    pixels: Tensor
    valid: Tensor
    prior_depth: Tensor
    prior_information: Tensor
    observed: Tensor
    observed_ok: Tensor
    inverse_depth_map: Tensor
    grid_level: int
    pose_prior: GaussianPrior
    uses_first_estimate: Tensor
    noise: Noise
    rotation_links: RotationLinks | None = None

    @property
    def keyframes(self) -> int:
        """K, the number of frames."""
        return self.inverse_depth_map.shape[0]

    def only_host(self, index: int) -> Problem:
        """The same window with the points of keyframe ``index`` alone."""
        one = slice(index, index + 1)
        return replace(
            self,
            hosts=self.hosts[one],
            pixels=self.pixels[one],
            valid=self.valid[one],
            prior_depth=self.prior_depth[one],
            prior_information=self.prior_information[one],
            observed=self.observed[one],
            observed_ok=self.observed_ok[one],
        )
