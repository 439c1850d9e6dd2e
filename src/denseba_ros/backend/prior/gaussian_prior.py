"""Gaussian prior on the frames of the window: the gauge at first, marginalised keyframes later."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.geometry import se3

# Deviations of the frame that fixes the gauge: the map's unit of length, radians.
_GAUGE_POSITION, _GAUGE_ROTATION = 1e-4, 1e-4


@dataclass(frozen=True)
class GaussianPrior:
    """Energy 0.5 x^T H x + b^T x, x being the frames' step from the linearisation point.

    ``H`` (8K, 8K) and ``b`` (8K,) float64; ``T`` (K, 4, 4) and ``affine`` (K, 2): that point,
    which stays where it was when the prior was made (first-estimate Jacobians: Huang, Mourikis,
    Roumeliotis, "A first-estimates Jacobian EKF", 2009).
    """

    H: Tensor
    b: Tensor
    T: Tensor
    affine: Tensor

    @classmethod
    def gauge(cls, T: Tensor, affine: Tensor) -> GaussianPrior:
        """Fix the first of these frames: T (K, 4, 4) T_camera_world and affine (K, 2), float64."""
        k = len(T)
        information = torch.zeros(k, 8, dtype=torch.float64, device=T.device)
        information[0, :3] = _GAUGE_POSITION**-2
        information[0, 3:6] = _GAUGE_ROTATION**-2
        information[0, 6] = 1e-3**-2
        information[0, 7] = 0.1**-2
        flat = information.reshape(-1)
        return cls(torch.diag(flat), torch.zeros_like(flat), T.clone(), affine.clone())

    def step_from_origin(self, T: Tensor, affine: Tensor) -> Tensor:
        """x (8K,) from the linearisation point to T (K, 4, 4) T_camera_world and affine (K, 2)."""
        pose = se3.log(T @ se3.inverse(self.T))
        return torch.cat([pose, affine - self.affine], 1).reshape(-1)

    def at(self, T: Tensor, affine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hessian (8K, 8K), gradient (8K,) and energy at T (K, 4, 4) and affine (K, 2)."""
        x = self.step_from_origin(T, affine)
        Hx = self.H @ x
        return self.H, self.b + Hx, 0.5 * x @ Hx + self.b @ x

    def extended(self, T: Tensor, affine: Tensor) -> GaussianPrior:
        """The same prior with a frame appended, T (4, 4) and affine (2,), unconstrained."""
        n = len(self.b)
        H = self.H.new_zeros(n + 8, n + 8)
        H[:n, :n] = self.H
        b = torch.cat([self.b, self.b.new_zeros(8)])
        return GaussianPrior(
            H, b, torch.cat([self.T, T[None]]), torch.cat([self.affine, affine[None]])
        )

    def rescaled(self, factor: float, centre: Tensor) -> GaussianPrior:
        """The same prior in a world that grew by ``factor`` about ``centre`` (3,).

        Steps are ``factor`` times as long, so the information on lengths shrinks.
        """
        shrink = self.affine.new_ones(len(self.T), 8)
        shrink[:, :3] /= factor
        s = shrink.reshape(-1)
        T = se3.rescaled(self.T, factor, centre)
        return GaussianPrior(s[:, None] * self.H * s, s * self.b, T, self.affine)
