"""Estimates in metres along axes that are upright, from the moment at which an IMU tells both.

The map keeps its unit and its axes. Where its scale or gravity become known better, the similarity
between both changes about the camera, so that positions stay continuous; the rotation that this
makes is told as ``Estimate.map_motion``, which is no motion. Only the first time the frame is
another: it begins at the camera, with its heading.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from denseba_ros.imu.inertial_state import upright_rotation
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe, Tracking
from denseba_ros.slam.state.metric_scale import MetricScale

# The frame begins when scale (of its logarithm) and gravity (rad) are known so well.
_SURE_SCALE, _SURE_UP = 0.05, 0.03
# While nothing tells the scale any more it drifts by so much a second; a map that was lost is
# followed by one whose scale is known so well.
_DRIFT, _LOST = 0.01, 0.3


class MetricFrame:
    """``metres_per_unit`` of the map at present; ``is_begun``: estimates are in metres."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Another map: its unit and axes are not known."""
        self.is_begun = False
        self.metres_per_unit = 1.0
        self._R, self._t = np.eye(3), np.zeros(3)
        self._sigma, self._known_ns = 0.0, 0
        self._was_lost = False
        self._last = np.eye(4)

    def carry(self, estimate: Estimate, R_base_camera: np.ndarray) -> tuple[Estimate, bool]:
        """The estimate in metres along upright axes, and whether that is a new frame; the same one
        before. ``R_base_camera`` (3, 3): upright is z of the base's axes."""
        motion = estimate.map_motion
        begins = not self.is_begun and estimate.is_measured and self._is_sure(estimate)
        if begins:
            self._begin(estimate, R_base_camera)
            motion = None
        elif self.is_begun:
            motion = self._follow(estimate, R_base_camera)
        self._last = estimate.T_world_camera
        return (self._carried(estimate, motion) if self.is_begun else estimate), begins

    def pose(self, T_world_camera: np.ndarray) -> np.ndarray:
        """(4, 4) of a camera of the map."""
        T = np.eye(4)
        T[:3, :3] = self._R @ T_world_camera[:3, :3]
        T[:3, 3] = self.metres_per_unit * self._R @ T_world_camera[:3, 3] + self._t
        return T

    def depth(self, depth: DepthMap) -> DepthMap:
        """In metres."""
        if self.metres_per_unit == 1.0:
            return depth
        s = np.float32(self.metres_per_unit)
        return replace(depth, depth=s * depth.depth, sigma=s * depth.sigma)

    def keyframe(self, keyframe: Keyframe) -> Keyframe:
        """Its pose and depth; not what they are made of."""
        pose, depth = self.pose(keyframe.T_world_camera), self.depth(keyframe.depth)
        return replace(keyframe, T_world_camera=pose, depth=depth)

    @staticmethod
    def _is_sure(estimate: Estimate) -> bool:
        imu, scale = estimate.imu, estimate.metric_scale
        if imu is None or imu.up is None:
            return False
        return scale.sigma < _SURE_SCALE and imu.up_sigma < _SURE_UP

    def _begin(self, estimate: Estimate, R_base_camera: np.ndarray) -> None:
        self.is_begun, self._was_lost = True, False
        self._take_scale(estimate)
        self._R = self._levelled(estimate, R_base_camera)
        self._t = -self.metres_per_unit * self._R @ estimate.T_world_camera[:3, 3]

    def _follow(self, estimate: Estimate, R_base_camera: np.ndarray) -> np.ndarray | None:
        """Take a better scale and gravity over; by what (4, 4) poses before are moved."""
        moved = estimate.map_motion
        before = self._last if moved is None else moved @ self._last
        in_metres = None if moved is None else self._conjugated(moved)
        if not self._is_sure(estimate):
            self._was_lost |= estimate.tracking is Tracking.LOST
            return in_metres
        if estimate.stamp_ns <= self._known_ns or self._is_taken(estimate, R_base_camera):
            self._known_ns = estimate.stamp_ns
            return in_metres
        centre, R = self.pose(before)[:3, 3], self._R
        self._take_scale(estimate)
        self._R = self._levelled(estimate, R_base_camera)
        self._t = centre - self.metres_per_unit * self._R @ before[:3, 3]
        turn = np.eye(4)
        turn[:3, :3] = self._R @ R.T
        turn[:3, 3] = centre - turn[:3, :3] @ centre
        return turn if in_metres is None else turn @ in_metres

    def _is_taken(self, estimate: Estimate, R_base_camera: np.ndarray) -> bool:
        """Whether scale and gravity are those of the estimate already."""
        is_same = math.isclose(estimate.metric_scale.factor, self.metres_per_unit, rel_tol=1e-9)
        return is_same and np.allclose(self._levelled(estimate, R_base_camera), self._R, atol=1e-9)

    def _take_scale(self, estimate: Estimate) -> None:
        self.metres_per_unit = estimate.metric_scale.factor
        self._sigma, self._known_ns = estimate.metric_scale.sigma, estimate.stamp_ns
        self._was_lost = False

    def _levelled(self, estimate: Estimate, R_base_camera: np.ndarray) -> np.ndarray:
        """The rotation (3, 3) of the map's axes, turned the least so that up is up."""
        assert estimate.imu is not None
        assert estimate.imu.up is not None
        up = R_base_camera @ self._R @ np.array(estimate.imu.up)
        turn = upright_rotation(-up).T
        levelled: np.ndarray = R_base_camera.T @ turn @ R_base_camera @ self._R
        return levelled

    def _conjugated(self, motion: np.ndarray) -> np.ndarray:
        """A motion (4, 4) of the map's world in this frame."""
        T = np.eye(4)
        T[:3, :3] = self._R @ motion[:3, :3] @ self._R.T
        T[:3, 3] = self.metres_per_unit * self._R @ motion[:3, 3] + self._t - T[:3, :3] @ self._t
        return T

    def _scale_sigma(self, stamp_ns: int) -> float:
        seconds = max(stamp_ns - self._known_ns, 0) * 1e-9
        return math.hypot(self._sigma, _DRIFT * seconds, _LOST if self._was_lost else 0.0)

    def _carried(self, estimate: Estimate, motion: np.ndarray | None) -> Estimate:
        T, s, in_map = (
            self.pose(estimate.T_world_camera),
            self.metres_per_unit,
            estimate.metric_scale,
        )
        scale = MetricScale(0.0, self._scale_sigma(estimate.stamp_ns))
        axes = np.kron(np.diag([s, 1.0]), self._R)
        path = estimate.covariance - in_map.covariance(estimate.T_world_camera[:3, 3])
        units = np.repeat([s, 1.0], 3)
        twist = units * estimate.twist
        own = estimate.twist_covariance - in_map.covariance(estimate.twist[:3])
        return replace(
            estimate,
            T_world_camera=T,
            covariance=axes @ path @ axes.T + scale.covariance(T[:3, 3]),
            twist=twist,
            twist_covariance=own * np.outer(units, units) + scale.covariance(twist[:3]),
            depth=None if estimate.depth is None else self.depth(estimate.depth),
            map_motion=motion,
            metric_scale=scale,
        )
