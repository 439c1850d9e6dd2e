"""Covariance of the published pose: an uncertainty that grows along the path.

The pose of an odometry drifts, so what is known is the uncertainty of a motion: of the newest
keyframe against one of about ``HORIZON`` before, from the reduced Hessian of both views and the
displacement that shows in the window's residuals (``backend.displacement``). The path compounds
it: Barfoot, Furgale, "Associating uncertainty with three-dimensional poses for use in estimation
problems", T-RO 30(3), 2014, to first order. Errors of calibration and shutter add up like the
motion itself rather than at random; a covariance with independent increments can be right for one
length of time only, and that is ``HORIZON``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.correlated_noise import (
    TwoViewLinearisation,
    motion_covariance,
    pair_view,
    visible_displacement,
)
from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside

# Seconds over which the covariance of a motion is right.
HORIZON = 1.0
# Displacement (share of half the image's width) that is expected of any camera, as good as a few
# pairs of views tell it, and the share of what was measured that the next keyframe keeps.
_EXPECTED, _EXPECTED_WEIGHT, _KEEP = 0.01, 0.05, 0.9
# Share of the squared displacement shown by corners that is one of the image: the rest is error of
# the corners, which neighbours share too. Measured on sequences with ground truth.
_LASTING = 0.2
# So many keyframes before the newest are compared with it.
_COMPARED = 2
# The earlier view must share this part of its points with the newest.
_SHARED = 0.5
# One in so many points is enough for a motion.
_STRIDE = 4
# Points whose depth is known worse than this (relative) are left out.
_VAGUE = 0.3
# Deviations of the first pose, which defines the odometry frame: metres, radians.
_HELD = 1e-4
# Relative deviation of the scale after a new start, which takes the median depth over.
_RESTARTED_SCALE = 0.3


@dataclass(frozen=True)
class MotionUncertainty:
    """Covariances (6, 6) of T_later_earlier, perturbed on the left, of a motion that took
    ``seconds`` with mean image ``flow`` in pixels: ``steady`` errors add up like the motion,
    ``random`` ones like noise."""

    steady: Tensor
    random: Tensor
    flow: float
    seconds: float

    def of_step(self, flow: float) -> Tensor:
        """Covariance (6, 6) of a part of the motion with this flow, by itself."""
        share = flow / self.flow
        return self.steady * share**2 + self.random * share

    def growth(self, flow: float) -> Tensor:
        """What a part of the motion with this flow adds to a path."""
        return (self.steady * (HORIZON / self.seconds) + self.random) * (flow / self.flow)


class PoseCovariance:
    """Compounds the uncertainty of the motions; all in float64 on the host.

    ``covariance`` (6, 6) is that of the pose, as ``Estimate.covariance`` defines it, and ``step``
    (6, 6) that of the last motion between two images, in the later camera's axes.
    """

    def __init__(self) -> None:
        self.covariance = _HELD**2 * torch.eye(6, dtype=torch.float64)
        self.step = self.covariance
        self._measured = self._expected = 0.0
        self._motion: MotionUncertainty | None = None
        self._T: Tensor | None = None
        self._flow = 0.0
        self._restarted = False

    @property
    def displacement(self) -> float:
        """Deviation of the systematic displacement, in shares of half the image's width."""
        square = max(self._measured, 0.0) + _EXPECTED_WEIGHT * _EXPECTED**2
        return float((_LASTING * square / (self._expected + _EXPECTED_WEIGHT)) ** 0.5)

    def adjusted(self, camera: Pinhole, keyframes: list[WindowKeyframe]) -> None:
        """The window was adjusted: the displacement as its corners show it, and the motion."""
        self._measure(camera, keyframes)
        newest, earlier = keyframes[-1], _anchor_keyframe(camera, keyframes)
        if earlier is not None:
            self.tracked(camera, earlier, newest.T, newest.stamp_ns)

    def tracked(self, camera: Pinhole, keyframe: WindowKeyframe, T: Tensor, stamp_ns: int) -> None:
        """What the displacement does to the motion since a keyframe, now at T_camera_world."""
        T = T @ se3.inverse(keyframe.T)
        view = _view(camera, keyframe, T, _usable(keyframe))
        if view is not None:
            self._motion = self._uncertainty(view, T, stamp_ns - keyframe.stamp_ns)

    def propagate(self, T_world_camera: Tensor, flow: float, is_keyframe: bool) -> None:
        """The camera is at T (4, 4), its image ``flow`` pixels away from the last keyframe's.

        Only flow beyond that of the images since adds to the path: a camera that trembles on the
        spot stays related to the same keyframe.
        """
        self._add(T_world_camera, max(flow - self._flow, 0.0))
        self._flow = 0.0 if is_keyframe else max(self._flow, flow)

    def propagate_guess(self, T_world_camera: Tensor, guess: Tensor, seconds: float) -> None:
        """A guessed pose T (4, 4), ``seconds`` after the last; ``guess`` (6, 6) is the covariance
        of what it guesses over ``HORIZON``, along the camera's axes."""
        self._add(T_world_camera, 0.0, guess * (seconds / HORIZON))

    def initialise(self, T_world_camera: Tensor, missed: Tensor | None = None) -> None:
        """A start at T (4, 4). After a loss, ``missed`` (6, 6) is the covariance of the motion
        since, along the camera's axes, and the scale is a guess."""
        self._restarted |= missed is not None
        self._add(T_world_camera, 0.0 if self._motion is None else self._motion.flow, missed)
        self._flow = 0.0

    def _add(self, T_world_camera: Tensor, flow: float, more: Tensor | None = None) -> None:
        """Carry errors of the rotation to the new place and add those of the last step."""
        T = T_world_camera.detach().cpu()
        if self._T is not None:
            carry = torch.eye(6, dtype=T.dtype)
            carry[:3, 3:] = -se3.hat(T[:3, 3] - self._T[:3, 3])
            self.covariance = carry @ self.covariance @ carry.T
        self._T = T
        added = torch.zeros_like(self.covariance) if more is None else more.cpu()
        self.step = _HELD**2 * torch.eye(6, dtype=T.dtype) + added
        if self._motion is not None:
            self.step = self.step + self._motion.of_step(flow)
            added = added + self._motion.growth(flow)
        axes = torch.kron(torch.eye(2, dtype=T.dtype), T[:3, :3])
        self.covariance = self.covariance + axes @ added @ axes.T

    def _measure(self, camera: Pinhole, keyframes: list[WindowKeyframe]) -> None:
        """Compare the newest keyframe's corners with the others', both ways."""
        self._measured *= _KEEP
        self._expected *= _KEEP
        newest = keyframes[-1]
        for other in keyframes[:-1][-_COMPARED:]:
            for host, target in ((other, newest), (newest, other)):
                places, found = host.observed.get(target.id, (None, None))
                if places is None or found is None:
                    continue
                T = target.T @ se3.inverse(host.T)
                view = _view(camera, host, T, found.cpu() & _corners_valid(host))
                if view is not None:
                    measured, expected = visible_displacement(view, places.cpu())
                    self._measured += measured
                    self._expected += expected

    def _uncertainty(
        self, view: TwoViewLinearisation, T: Tensor, nanoseconds: int
    ) -> MotionUncertainty:
        """Of T_later_earlier (4, 4), which took so long."""
        steady, random = (self.displacement**2 * c for c in motion_covariance(view))
        if self._restarted:
            t = torch.cat([T[:3, 3].cpu(), T.new_zeros(3).cpu()])
            steady = steady + _RESTARTED_SCALE**2 * torch.outer(t, t)
        return MotionUncertainty(
            steady, random, max(view.flow, 1e-3), max(nanoseconds * 1e-9, 1e-3)
        )


def _anchor_keyframe(camera: Pinhole, keyframes: list[WindowKeyframe]) -> WindowKeyframe | None:
    """The keyframe about ``HORIZON`` before the newest that still sees enough of the same."""
    newest, found = keyframes[-1], None
    for earlier in reversed(keyframes[:-1]):
        seen = seen_from(camera, earlier, newest)
        inner = seen.in_front & inside(seen.pixels, camera.width, camera.height, 1.0)
        usable = earlier.points.valid & (earlier.points.relative_sigma < _VAGUE)
        if found is not None and int((inner & usable).sum()) < _SHARED * int(usable.sum()):
            break
        found = earlier
        if (newest.stamp_ns - earlier.stamp_ns) * 1e-9 >= HORIZON:
            break
    return found


def _view(
    camera: Pinhole, host: WindowKeyframe, T: Tensor, usable: Tensor
) -> TwoViewLinearisation | None:
    """The host's first points, as many as ``usable`` (N,) has, by T_target_host (4, 4)."""
    n = len(usable)
    pixels, depth = host.points.pixels[:n].cpu(), host.points.inverse_depth[:n].cpu()
    return pair_view(camera, pixels, depth, T.cpu(), usable)


def _usable(keyframe: WindowKeyframe) -> Tensor:
    """(N,) bool: one in ``_STRIDE`` of the points with a known depth."""
    points = keyframe.points
    known = (points.valid & (points.relative_sigma < _VAGUE)).cpu()
    return known & (torch.arange(len(known)) % _STRIDE == 0)


def _corners_valid(keyframe: WindowKeyframe) -> Tensor:
    return keyframe.points.valid[: keyframe.points.corners].cpu()
