"""One photometric patch as a factor of GTSAM: residual and exact Jacobians in NumPy.

The same equations as ``backend.photometric`` and ``least_squares``; unlike the Schur solver's, the
Jacobian is that of each pixel and not of the patch's centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.backend.photometric import BORDER, OCCLUDER_MAX_SIGMA, OCCLUSION_RATIO
from denseba_ros.backend.problem import Noise
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole

Array = NDArray[np.float64]
_CENTRE = PATTERN.index((0, 0))


def bilinear(image: Array, x: Array, y: Array) -> Array:
    """Values (C, P) of (C, h, w) at pixels (P,), border values outside."""
    h, w = image.shape[1:]
    x, y = np.clip(x, 0, w - 1), np.clip(y, 0, h - 1)
    x0, y0 = x.astype(int), y.astype(int)
    x1, y1 = np.minimum(x0 + 1, w - 1), np.minimum(y0 + 1, h - 1)
    fx, fy = x - x0, y - y0
    upper = image[:, y0, x0] * (1 - fx) + image[:, y0, x1] * fx
    lower = image[:, y1, x0] * (1 - fx) + image[:, y1, x1] * fx
    values: Array = upper * (1 - fy) + lower * fy
    return values


@dataclass(frozen=True)
class Patch:
    """A patch of a host in one target.

    ``rays`` (P, 3), ``brightness`` (P,), ``weight`` (P,) in the host; ``image`` (3, h, w) and
    ``inverse_depth_map`` (2, h, w) of the target; ``grid_scale`` its pixels per pixel; ``cost`` at
    the initial values, which it keeps where it is seen no more.
    """

    rays: Array
    brightness: Array
    weight: Array
    image: Array
    inverse_depth_map: Array
    grid_scale: float
    camera: Pinhole
    noise: Noise
    cost: float

    def residual(
        self, T: Array, host: Array, target: Array, inverse_depth: float
    ) -> tuple[Array, list[Array] | None]:
        """Residuals (P,) at T_target_host (4, 4) and brightness (a, b) of both.

        Also the Jacobians (P, 6), (P, 2), (P, 2), (P, 1) by the left perturbation of T
        (translation, rotation), the host's and the target's brightness and the inverse depth; None
        where the patch does not count and its residual is constant.
        """
        c = self.camera
        X, Y, Z = (self.rays @ T[:3, :3].T + T[:3, 3] * inverse_depth).T
        scale = 1.0 / np.maximum(Z, MIN_DEPTH_RATIO)
        x, y = X * scale, Y * scale
        u, v = x * c.fx + c.cx, y * c.fy + c.cy
        gain = np.exp(target[0] - host[0])
        model = gain * (self.brightness - host[1])
        brightness, gx, gy = bilinear(self.image, u, v)
        size = (brightness - target[1] - model) / self.noise.intensity
        if not self._is_seen(u, v, Z, inverse_depth * scale[_CENTRE]):
            return np.sqrt(2.0 * self.cost / len(PATTERN)) * np.ones_like(size), None
        if not self._fits(size):
            return np.sqrt(2.0 * self._cap() / len(PATTERN)) * np.ones_like(size), None
        h = self.noise.huber
        root = np.sqrt(2.0 * h * np.maximum(np.abs(size) - 0.5 * h, 0.5 * h))
        far = np.abs(size) >= h
        residual = np.sqrt(self.weight) * np.where(far, np.sign(size) * root, size)
        slope = np.sqrt(self.weight) * np.where(far, h / root, 1.0) / self.noise.intensity
        d, zero = inverse_depth * scale, np.zeros_like(x)
        du = c.fx * np.stack([d, zero, -d * x, -x * y, 1 + x * x, -y], 1)
        dv = c.fy * np.stack([zero, d, -d * y, -(1 + y * y), x * y, x], 1)
        by_depth = scale * (
            gx * c.fx * (T[0, 3] - x * T[2, 3]) + gy * c.fy * (T[1, 3] - y * T[2, 3])
        )
        one = np.ones_like(x)
        jacobians = [
            gx[:, None] * du + gy[:, None] * dv,
            np.stack([model, gain * one], 1),
            np.stack([-model, -one], 1),
            by_depth[:, None],
        ]
        return residual, [slope[:, None] * J for J in jacobians]

    def _cap(self) -> float:
        noise = self.noise
        return float(self.weight.sum()) * noise.huber * (noise.cutoff - 0.5 * noise.huber)

    def _is_seen(self, u: Array, v: Array, Z: Array, inverse_depth: float) -> bool:
        """Whether all pixels are in the image and the centre is not hidden."""
        c = self.camera
        if not (
            (Z > MIN_DEPTH_RATIO).all()
            and (u >= BORDER).all()
            and (u <= c.width - 1 - BORDER).all()
            and (v >= BORDER).all()
            and (v <= c.height - 1 - BORDER).all()
        ):
            return False
        place = [(p[_CENTRE : _CENTRE + 1] + 0.5) * self.grid_scale - 0.5 for p in (u, v)]
        near, sigma = bilinear(self.inverse_depth_map, place[0], place[1])[:, 0]
        return not (near > OCCLUSION_RATIO * inverse_depth and sigma < OCCLUDER_MAX_SIGMA)

    def _fits(self, size: Array) -> bool:
        """Whether the patch costs less than its cap."""
        s, h = np.abs(size), self.noise.huber
        cost = np.where(s < h, 0.5 * s * s, h * (s - 0.5 * h))
        return bool((self.weight * cost).sum() < self._cap())
