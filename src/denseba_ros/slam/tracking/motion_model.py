"""Constant-velocity motion model: predicts the next pose and estimates the velocity."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.frontend.frame import Motion
from denseba_ros.geometry import se3

# Longest gap over which the last velocity predicts, seconds.
_MAX_GAP = 0.5
# Standard deviation per lost image: translation in median depths, rotation in radians.
_LOST_TRANSLATION, _LOST_ROTATION = 0.05, 0.05
# Seconds without a measurement that count like one lost image, however few images came.
_LOST_SECONDS = 0.1


class MotionModel:
    """Pose T_camera_world ``T`` (4, 4) float64 of the last image, and the velocity.

    The velocity (6,) per second is that of a left perturbation of T_camera_world: translation in
    the map's unit, rotation in radians.
    """

    def __init__(self) -> None:
        self.T = torch.eye(4, dtype=torch.float64)
        self._stamp_ns: int | None = None
        self._velocity = torch.zeros(6, dtype=torch.float64)
        self._interval = 0.0
        self._affine: Tensor | None = None
        self._lost = 0
        self._measured_ns: int | None = None

    def restart(self, stamp_ns: int, T: Tensor) -> None:
        """Set a pose without a velocity."""
        self.T, self._stamp_ns = T, stamp_ns
        self._velocity = torch.zeros_like(self._velocity)
        self._affine = None
        self._lost, self._measured_ns = 0, stamp_ns

    def predict(self, stamp_ns: int, motion: Motion | None) -> Tensor:
        """T_camera_world expected at ``stamp_ns`` by the last velocity and the frontend's rotation.

        The frontend's translation is in metres, which the map need not be.
        """
        by_velocity = se3.exp(self._velocity * self.gap(stamp_ns))
        if motion is not None:
            by_velocity[:3, :3] = motion.T_previous_current[:3, :3].T
        return by_velocity.to(self.T.device) @ self.T

    def update(self, stamp_ns: int, T: Tensor, affine: Tensor) -> None:
        """Set the tracked pose ``T`` (4, 4) and brightness ``affine`` (2,); update the velocity."""
        gap = self.gap(stamp_ns)
        if gap > 0 and not self._lost:
            self._velocity = se3.log(T @ se3.inverse(self.T)).cpu() / gap
            self._interval = gap
        else:
            self._velocity = torch.zeros_like(self._velocity)
        self.T, self._stamp_ns, self._affine, self._lost = T, stamp_ns, affine, 0
        self._measured_ns = stamp_ns

    def set_approximate(self, stamp_ns: int, T: Tensor) -> None:
        """Set an approximate pose ``T`` (4, 4), without velocity; the covariance of the images lost
        before stays, but does not grow."""
        if self._measured_ns is not None and self._stamp_ns is not None:
            self._measured_ns += stamp_ns - self._stamp_ns
        self.T, self._stamp_ns, self._affine = T, stamp_ns, None
        self._velocity = torch.zeros_like(self._velocity)

    def set_refined(self, T: Tensor, affine: Tensor | None = None) -> None:
        """Replace the last pose by ``T`` (4, 4), refined by bundle adjustment; ``affine`` (2,) is
        its brightness, None: that of the keyframe."""
        self.T = T
        self._affine = affine

    def rescale(self, factor: float) -> None:
        """Rescale the velocity after the map was scaled by ``factor`` about the camera."""
        self._velocity[:3] *= factor

    def coast(self, stamp_ns: int) -> None:
        """An image without a measured pose: take the prediction and decay the velocity."""
        self.T = self.predict(stamp_ns, None)
        self._velocity = 0.7 * self._velocity
        self._stamp_ns = stamp_ns
        self._lost += 1

    @property
    def stamp_ns(self) -> int | None:
        """Stamp of the last image."""
        return self._stamp_ns

    def affine_or(self, other: Tensor) -> Tensor:
        """Brightness (2,) (log gain, offset) of the last tracked image, else ``other``."""
        return other if self._affine is None else self._affine

    def lost_covariance(self, depth: float) -> Tensor:
        """Covariance (6, 6) that the lost images, or the time since the last measurement, add;
        ``depth`` is the map's median depth."""
        lost = float(self._lost)
        if self._lost and self._stamp_ns is not None and self._measured_ns is not None:
            lost = max(lost, (self._stamp_ns - self._measured_ns) * 1e-9 / _LOST_SECONDS)
        deviations = [_LOST_TRANSLATION * depth] * 3 + [_LOST_ROTATION] * 3
        return torch.diag(torch.tensor(deviations, dtype=torch.float64) * lost) ** 2

    def twist(self, step_covariance: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity (6,) of the camera in its own frame, with covariance (6, 6).

        ``step_covariance`` (6, 6) is that of the motion since the image before.
        T_camera_world moves by exp(velocity * dt) on the left, so the camera moves the other way.
        """
        interval = self._interval or 1.0
        return -self._velocity, step_covariance / interval**2

    def gap(self, stamp_ns: int) -> float:
        """Seconds since the last image, at most the longest that is predicted."""
        if self._stamp_ns is None:
            return 0.0
        return min(max((stamp_ns - self._stamp_ns) * 1e-9, 0.0), _MAX_GAP)
