"""Covariance of the published pose: it grows along the path.

An odometry drifts, so the covariance of a relative motion is estimated: of the newest keyframe
against one of about ``HORIZON`` before, from the reduced Hessian of both views and the correlated
pixel displacement that the window's residuals show (``backend.correlated_noise``). Along the path
these covariances are compounded: Barfoot, Furgale, "Associating uncertainty with three-dimensional
poses for use in estimation problems", T-RO 30(3), 2014, to first order. Errors of calibration and
rolling shutter are systematic and add up in proportion to the motion, not at random; a covariance
with independent increments can be right for one length of time only, and that is ``HORIZON``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.correlated_noise import (
    Floats,
    TwoViewLinearisation,
    VisibleDisplacement,
    motion_covariance,
    pair_view,
    visible_displacement,
)
from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.geometry import se3
from denseba_ros.geometry.cross_product import hat
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside

MeasureTurn = Callable[[int, int], MeasuredTurn | None]
# Seconds over which the covariance of a motion is right.
HORIZON = 1.0
# Prior of the displacement (share of half the image width), its weight in pairs of views, and the
# factor by which earlier measurements decay at each keyframe.
_PRIOR_DISPLACEMENT, _PRIOR_WEIGHT, _DECAY = 0.01, 0.05, 0.9
# Share of the corners' squared displacement that is systematic; the rest is tracking error that
# neighbouring corners share. Measured on sequences with ground truth.
_SYSTEMATIC_RATIO = 0.2
# Of the displacement's square what each tile has of its own. How such errors go together is not
# known, so of their covariance only the variances count.
_RANDOM = 0.13
# Where tracked corners confirm fewer tiles than that, a pose hangs on points that nothing confirms:
# its variance grows with the third power of what is missing. An earlier mean of the tiles is kept;
# before any corner was tracked they are taken for few.
_ENOUGH_TILES, _LEAST_TILES, _FIRST_TILES, _KEPT = 4.0, 0.8, 2.0, 0.7
# Number of keyframes before the newest that are compared with it.
_COMPARED = 2
# Least ratio of the earlier view's points that the newest must see.
_MIN_OVERLAP = 0.5
# One in so many points is enough for a motion.
_STRIDE = 4
# With fewer points than that no motion's covariance would be known, and the pose seem certain.
_ENOUGH = 60
# Points whose relative standard deviation of depth is larger are left out.
_MAX_SIGMA = 0.3
# Standard deviation of the first pose, which defines the odometry frame: metres, radians.
_FIRST_POSE_SIGMA = 1e-4


@dataclass(frozen=True)
class MotionUncertainty:
    """Covariances (6, 6) float64 of T_later_earlier, perturbed on the left, of a motion that took
    ``seconds`` with mean image ``flow`` in pixels: ``systematic`` errors grow in proportion to the
    motion, ``random`` ones as a random walk."""

    systematic: Tensor
    random: Tensor
    flow: float
    seconds: float

    def of_step(self, flow: float) -> Tensor:
        """Covariance (6, 6) of the part of the motion with this ``flow`` in pixels, by itself."""
        share = flow / self.flow
        return self.systematic * share**2 + self.random * share

    def with_turn(self, sigma: float) -> MotionUncertainty:
        """After a gyroscope measured its rotation to ``sigma`` (rad) per axis: what images confuse
        with rotations is known better, too. Joseph's form, part by part."""
        total = self.systematic + self.random
        eye = torch.eye(6, dtype=total.dtype)
        gain = total[:, 3:] @ torch.linalg.inv(total[3:, 3:] + sigma**2 * eye[:3, :3])
        left = eye - gain @ eye[3:]
        random = left @ self.random @ left.T + sigma**2 * gain @ gain.T
        return replace(self, systematic=left @ self.systematic @ left.T, random=random)

    def growth(self, flow: float) -> Tensor:
        """Covariance (6, 6) that the part of the motion with this ``flow`` adds to a path."""
        return (self.systematic * (HORIZON / self.seconds) + self.random) * (flow / self.flow)


class PoseCovariance:
    """Compounds the covariances of the motions; all in float64 on the host.

    ``covariance`` (6, 6) is that of the pose, as ``Estimate.covariance`` defines it, and ``step``
    (6, 6) that of the last motion between two images, in the later camera's axes. ``scale_sigma``,
    to be set, is the relative deviation of the map's scale from that of the odometry frame.
    """

    def __init__(self, turn: MeasureTurn | None = None) -> None:
        """``turn`` between two stamps, as a gyroscope measures it."""
        self._turn = turn
        self.covariance = _FIRST_POSE_SIGMA**2 * torch.eye(6, dtype=torch.float64)
        self.step = self.covariance
        self._measured = self._expected = 0.0
        # In how many tiles tracked corners confirm the poses.
        self._tiles = _FIRST_TILES
        self._motion: MotionUncertainty | None = None
        self._T: Tensor | None = None
        # Largest flow since the reference of tracking, and what it was at the newest keyframe.
        self._flow = self._keyframe_flow = 0.0
        # Covariance and pose before the approximate ones.
        self._before_guess: tuple[Tensor, Tensor | None] | None = None
        self.scale_sigma = 0.0

    @property
    def displacement(self) -> float:
        """Standard deviation of the systematic displacement, as a share of half the image width."""
        square = max(self._measured, 0.0) + _PRIOR_WEIGHT * _PRIOR_DISPLACEMENT**2
        return float((_SYSTEMATIC_RATIO * square / (self._expected + _PRIOR_WEIGHT)) ** 0.5)

    def adjusted(self, camera: Pinhole, keyframes: list[WindowKeyframe]) -> None:
        """After bundle adjustment: measure the displacement of the corners, then estimate the
        covariance of the motion to the newest of ``keyframes`` (oldest first)."""
        self._measure(camera, keyframes)
        newest, earlier = keyframes[-1], _keyframe_before_horizon(camera, keyframes)
        if earlier is not None:
            self.tracked(camera, earlier, newest.T, newest.stamp_ns)

    def tracked(self, camera: Pinhole, keyframe: WindowKeyframe, T: Tensor, stamp_ns: int) -> None:
        """Estimate the covariance of the motion since a keyframe; ``T`` (4, 4) T_camera_world."""
        T = T @ se3.inverse(keyframe.T)
        view = _linearise(camera, keyframe, T, _usable(keyframe))
        if view is None:
            return
        self._motion = self._uncertainty(view, T, stamp_ns - keyframe.stamp_ns)
        turn = None if self._turn is None else self._turn(keyframe.stamp_ns, stamp_ns)
        if turn is not None:
            self._motion = self._motion.with_turn(turn.sigma)

    def propagate(self, T_world_camera: Tensor, flow: float, is_keyframe: bool) -> None:
        """Propagate the covariance to the pose T_world_camera (4, 4) of the next image.

        ``flow``: mean image motion since the reference of tracking, pixels. Only flow beyond the
        largest since then adds to the path: a camera that shakes on the spot does not drift.
        """
        self._add(T_world_camera, max(flow - self._flow, 0.0))
        self._flow = max(self._flow, flow)
        if is_keyframe:
            self._keyframe_flow = self._flow

    def reference_changed(self) -> None:
        """The newest keyframe is the reference of tracking from the next image on."""
        self._flow -= self._keyframe_flow
        self._keyframe_flow = 0.0

    def set_guess(self, T_world_camera: Tensor, guess: Tensor) -> None:
        """An approximate pose T_world_camera (4, 4); ``guess`` (6, 6) is the covariance of the
        whole motion since the last pose that was none, along the camera's axes."""
        if self._before_guess is None:
            self._before_guess = self.covariance, self._T
        self.covariance, self._T = self._before_guess
        self._transport(T_world_camera)
        axes = _axes(T_world_camera)
        self.covariance = self.covariance + axes @ guess @ axes.T
        self.step = guess

    def initialise(self, T_world_camera: Tensor, missed: Tensor) -> None:
        """A new map at T_world_camera (4, 4); ``missed`` (6, 6) is the covariance of the motion
        since tracking was lost, along the camera's axes."""
        self._before_guess = None
        self._add(T_world_camera, 0.0 if self._motion is None else self._motion.flow, missed)
        self._flow = self._keyframe_flow = 0.0

    def _transport(self, T_world_camera: Tensor) -> None:
        """Carry the covariance to the new position: errors of the rotation move it."""
        T = T_world_camera.detach().cpu()
        if self._T is not None:
            transport = torch.eye(6, dtype=T.dtype)
            transport[:3, 3:] = -hat(T[:3, 3] - self._T[:3, 3])
            self.covariance = transport @ self.covariance @ transport.T
        self._T = T

    def _add(self, T_world_camera: Tensor, flow: float, more: Tensor | None = None) -> None:
        """Transport the covariance to the new position and add that of the last step."""
        self._transport(T_world_camera)
        added = torch.zeros_like(self.covariance) if more is None else more.cpu()
        self.step = _FIRST_POSE_SIGMA**2 * torch.eye(6, dtype=torch.float64) + added
        if self._motion is not None:
            self.step = self.step + self._motion.of_step(flow)
            added = added + self._motion.growth(flow)
        axes = _axes(T_world_camera)
        self.covariance = self.covariance + axes @ added @ axes.T

    def _measure(self, camera: Pinhole, keyframes: list[WindowKeyframe]) -> None:
        """Compare the newest keyframe's corners with the others', in both directions."""
        self._measured *= _DECAY
        self._expected *= _DECAY
        newest, seen = keyframes[-1], []
        for other in keyframes[:-1][-_COMPARED:]:
            for host, target in ((other, newest), (newest, other)):
                pixels, is_tracked = host.observed.get(target.id, (None, None))
                if pixels is None or is_tracked is None:
                    continue
                T = target.T @ se3.inverse(host.T)
                view = _linearise(camera, host, T, is_tracked.cpu() & _corners_valid(host))
                visible = VisibleDisplacement()
                if view is not None:
                    visible = visible_displacement(view, _array(pixels))
                self._measured += visible.measured
                self._expected += visible.field
                seen.append(visible.tiles)
        if seen:
            self._tiles = _KEPT * self._tiles + (1.0 - _KEPT) * float(np.mean(seen))

    @property
    def _doubt(self) -> float:
        """Factor of a motion's variance, one where enough corners confirm it."""
        return max(_ENOUGH_TILES / max(self._tiles, _LEAST_TILES), 1.0) ** 3

    def _uncertainty(
        self, view: TwoViewLinearisation, T: Tensor, nanoseconds: int
    ) -> MotionUncertainty:
        """Of T_later_earlier (4, 4), a motion that took so many ``nanoseconds``."""
        scale, motion = self._doubt * self.displacement**2, _motion(view, nanoseconds)
        t = torch.cat([T[:3, 3].cpu(), T.new_zeros(3).cpu()])
        systematic = scale * motion.systematic + self.scale_sigma**2 * torch.outer(t, t)
        random = _RANDOM * scale * torch.diag(motion.random.diagonal())
        return replace(motion, systematic=systematic, random=random)


def _motion(view: TwoViewLinearisation, nanoseconds: int) -> MotionUncertainty:
    """Of a motion that took so many ``nanoseconds``, per squared displacement."""
    systematic, random = (torch.from_numpy(c) for c in motion_covariance(view))
    return MotionUncertainty(
        systematic, random, max(view.flow, 1e-3), max(nanoseconds * 1e-9, 1e-3)
    )


def motion_growth(
    camera: Pinhole, keyframe: WindowKeyframe, T: Tensor, stamp_ns: int
) -> Floats | None:
    """Covariance (6, 6) that the motion ``T`` (4, 4) T_later_keyframe until ``stamp_ns`` adds to a
    path, perturbed on the left, per squared displacement; None where too few points show in both.
    """
    view = _linearise(camera, keyframe, T, _usable(keyframe))
    if view is None:
        return None
    motion = _motion(view, stamp_ns - keyframe.stamp_ns)
    return motion.growth(motion.flow).numpy()


def pose_covariance(
    camera: Pinhole, keyframe: WindowKeyframe, T: Floats, displacement: float, depth_sigma: float
) -> Floats | None:
    """Covariance (6, 6) of the pose ``T`` (4, 4) T_image_keyframe of an image that was aligned with
    a keyframe, whose depths have the relative deviation ``depth_sigma``, perturbed on the left;
    None where too few points show in both."""
    view = _linearise(camera, keyframe, torch.from_numpy(T), _usable(keyframe))
    if view is None:
        return None
    systematic, random = motion_covariance(view, depth_sigma / displacement)
    covariance: Floats = displacement**2 * (systematic + random)
    return covariance


def _axes(T_world_camera: Tensor) -> Tensor:
    """(6, 6) that turns translation and rotation from the camera's axes to the world's."""
    R = T_world_camera.detach().cpu()[:3, :3]
    return torch.kron(torch.eye(2, dtype=R.dtype), R)


def _keyframe_before_horizon(
    camera: Pinhole, keyframes: list[WindowKeyframe]
) -> WindowKeyframe | None:
    """The keyframe about ``HORIZON`` before the newest that still has enough points in common."""
    newest, chosen = keyframes[-1], None
    for earlier in reversed(keyframes[:-1]):
        projection = seen_from(camera, earlier, newest)
        is_visible = inside(projection.pixels, camera.width, camera.height, 1.0)
        is_visible = projection.in_front & is_visible
        usable = earlier.points.valid & (earlier.points.relative_sigma < _MAX_SIGMA)
        overlap = int((is_visible & usable).sum())
        if chosen is not None and overlap < _MIN_OVERLAP * int(usable.sum()):
            break
        chosen = earlier
        if (newest.stamp_ns - earlier.stamp_ns) * 1e-9 >= HORIZON:
            break
    return chosen


def _linearise(
    camera: Pinhole, host: WindowKeyframe, T: Tensor, usable: Tensor
) -> TwoViewLinearisation | None:
    """Linearise the projection of the host's first N points by T_target_host (4, 4); N is the
    length of ``usable`` (N,) bool."""
    n = len(usable)
    pixels, depth = host.points.pixels[:n], host.points.inverse_depth[:n]
    return pair_view(camera, _array(pixels), _array(depth), _array(T), usable.numpy())


def _array(tensor: Tensor) -> NDArray[np.float64]:
    """The tensor on the host, in double precision."""
    return tensor.detach().cpu().double().numpy()


def _usable(keyframe: WindowKeyframe) -> Tensor:
    """(N,) bool: one in ``_STRIDE`` of the points with a known depth; where those are few, as in a
    small image or with a network that knows little, all of them, or all points."""
    points = keyframe.points
    valid = points.valid.cpu()
    known = valid & (points.relative_sigma < _MAX_SIGMA).cpu()
    some = known & (torch.arange(len(known)) % _STRIDE == 0)
    enough = (chosen for chosen in (some, known) if int(chosen.sum()) >= _ENOUGH)
    return next(enough, valid)


def _corners_valid(keyframe: WindowKeyframe) -> Tensor:
    """(F,) bool: which of the keyframe's corners are in use."""
    return keyframe.points.valid[: keyframe.points.corners].cpu()
