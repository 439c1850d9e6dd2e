"""Estimates in metres along upright axes: begun once, continuous from then on, honest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.inertial.metric_frame import MetricFrame
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Tracking
from denseba_ros.slam.state.metric_scale import MetricScale
from denseba_ros.slam.state.odom_continuity import OdomContinuity

_SCALE, _SIGMA = 2.5, 0.01
MOUNT = CameraMount(T_base_optical(0.2, 0.0, 0.1, 0.1, -0.2, 0.3))
_R = MOUNT.T_base_camera[:3, :3]
_TILT = pose_step.exp(np.array([0.0, 0.0, 0.0, 0.2, -0.1, 0.3]))[:3, :3]


def _true(t: float) -> np.ndarray:
    """T_upright_base (4, 4), metres."""
    T = pose_step.exp(np.array([0.0, 0.0, 0.0, 0.1 * np.sin(t), 0.05 * np.cos(t), 0.4 * t]))
    T[:3, 3] = [t, 0.3 * np.sin(2 * t), 0.1 * t]
    return T


def _in_map(t: float, unit: float = _SCALE) -> np.ndarray:
    """T_world_camera (4, 4) of the map: tilted, begun elsewhere, of a ``unit`` (m)."""
    T = _true(t) @ MOUNT.T_base_camera
    T_map = np.eye(4)
    T_map[:3, :3] = _TILT @ T[:3, :3]
    T_map[:3, 3] = _TILT @ (T[:3, 3] + [3.0, 1.0, 2.0]) / unit
    return T_map


def _estimate(t: float, known: bool = True, unit: float = _SCALE, **more: Any) -> Estimate:
    x, y, z = (_TILT @ [0.0, 0.0, 1.0]).tolist()
    imu = ImuStatus(up=(x, y, z), up_sigma=0.005) if known else ImuStatus()
    scale = MetricScale(math.log(unit), _SIGMA) if known else MetricScale(0.0, 1.0)
    T = _in_map(t, unit)
    twist = np.array([0.4, 0.0, 0.1, 0.0, 0.1, 0.0])
    return replace(
        Estimate(
            stamp_ns=round(1e9 * (1.0 + t)),
            tracking=Tracking.TRACKING,
            T_world_camera=T,
            covariance=1e-4 * np.eye(6) + scale.covariance(T[:3, 3]),
            twist=twist,
            twist_covariance=1e-3 * np.eye(6) + scale.covariance(twist[:3]),
            depth=None,
            is_keyframe=False,
            reason="",
            seconds={},
            metric_scale=scale,
            imu=imu,
        ),
        **more,
    )


def _upright(T_odom_base: np.ndarray, t: float) -> float:
    """Radians between up of the truth and up of odom, seen from the base."""
    cosine = float(T_odom_base[2, :3] @ _true(t)[2, :3])
    return math.acos(min(cosine, 1.0))


def test_before_the_imu_tells_metres_nothing_changes() -> None:
    frame, estimate = MetricFrame(), _estimate(0.0, known=False)
    assert frame.carry(estimate, _R) == (estimate, False)
    assert np.array_equal(frame.pose(estimate.T_world_camera), estimate.T_world_camera)


def test_from_then_on_it_is_metres_upright_and_begins_at_the_camera() -> None:
    frame = MetricFrame()
    frame.carry(_estimate(0.0, known=False), _R)
    first, begins = frame.carry(_estimate(1.0), _R)
    later, again = frame.carry(_estimate(2.0), _R)
    assert (begins, again) == (True, False)
    np.testing.assert_allclose(first.T_world_camera[:3, 3], 0.0, atol=1e-12)
    a, b = (MOUNT.T_odom_base(e.T_world_camera) for e in (first, later))
    assert _upright(a, 1.0) < 1e-6
    assert _upright(b, 2.0) < 1e-6
    moved = pose_step.inverse(a) @ b
    np.testing.assert_allclose(moved, pose_step.inverse(_true(1.0)) @ _true(2.0), atol=1e-9)
    np.testing.assert_allclose(later.twist, [1.0, 0.0, 0.25, 0.0, 0.1, 0.0], atol=1e-12)
    assert later.metric_scale.factor == 1.0


def test_the_covariance_is_that_of_metres_with_the_scales_own_deviation() -> None:
    frame = MetricFrame()
    frame.carry(_estimate(1.0), _R)
    later, _ = frame.carry(_estimate(3.0), _R)
    p = later.T_world_camera[:3, 3]
    deviation = MetricScale(0.0, _SIGMA).deviation
    expected = 1e-4 * _SCALE**2 * np.eye(3) + deviation**2 * np.outer(p, p)
    np.testing.assert_allclose(later.covariance[:3, :3], expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(later.covariance[3:, 3:], 1e-4 * np.eye(3), atol=1e-12)
    v = later.twist[:3]
    expected = 1e-3 * _SCALE**2 * np.eye(3) + deviation**2 * np.outer(v, v)
    np.testing.assert_allclose(later.twist_covariance[:3, :3], expected, rtol=1e-6, atol=1e-12)


def test_a_better_scale_and_gravity_move_no_position() -> None:
    frame, continuity = MetricFrame(), OdomContinuity()
    continuity.update(frame.carry(_estimate(1.0), _R)[0])
    before = continuity.update(frame.carry(_estimate(1.1), _R)[0])
    x, y, z = (_TILT @ pose_step.exp(np.array([0, 0, 0, 0.01, -0.02, 0]))[:3, 2]).tolist()
    better = _estimate(
        1.1333,
        imu=ImuStatus(up=(x, y, z), up_sigma=0.004),
        metric_scale=MetricScale(math.log(1.1 * _SCALE), _SIGMA),
    )
    carried, begins = frame.carry(better, _R)
    assert not begins
    assert carried.map_motion is not None
    after = continuity.update(carried)
    step = pose_step.inverse(before.T_world_camera) @ after.T_world_camera
    true = pose_step.inverse(_in_map(1.1)) @ _in_map(1.1333)
    assert np.linalg.norm(step[:3, 3] - 1.1 * _SCALE * true[:3, 3]) < 0.002
    turned = pose_step.log(step @ pose_step.inverse(true))[3:]
    assert np.linalg.norm(turned) < 0.015  # 22 mrad flow in
    assert np.array_equal(continuity.T_odom_world, np.eye(4))


def test_a_map_that_moved_is_told_along_the_metric_axes() -> None:
    frame = MetricFrame()
    frame.carry(_estimate(1.0), _R)
    frame.carry(_estimate(1.1), _R)
    motion = pose_step.exp(np.array([0.01, -0.02, 0.005, 0.001, 0.0, 0.002]))
    carried, _ = frame.carry(_estimate(1.2, map_motion=motion), _R)
    assert carried.map_motion is not None
    moved = carried.map_motion @ frame.pose(_in_map(1.1))
    np.testing.assert_allclose(moved, frame.pose(motion @ _in_map(1.1)), atol=1e-12)


def test_when_nothing_tells_metres_any_more_they_are_kept_with_a_growing_deviation() -> None:
    frame = MetricFrame()
    frame.carry(_estimate(1.0), _R)
    kept, begins = frame.carry(_estimate(3.0, known=False), _R)
    assert not begins
    assert kept.metric_scale.sigma == pytest.approx(math.hypot(_SIGMA, 0.02), rel=1e-6)
    frame.carry(_estimate(4.0, known=False, tracking=Tracking.LOST), _R)
    after, _ = frame.carry(_estimate(5.0, known=False), _R)
    assert after.metric_scale.sigma > 0.3
    again, begins = frame.carry(_estimate(6.0, unit=3.0), _R)
    assert not begins
    assert again.metric_scale.sigma == pytest.approx(_SIGMA)
    assert frame.metres_per_unit == pytest.approx(3.0)


def test_depth_is_in_metres_too() -> None:
    frame = MetricFrame()
    depth = DepthMap(
        np.ones((2, 2), np.float32),
        np.ones((2, 2), np.float32),
        Calibration(2, 2, 1.0, 1.0, 0.5, 0.5),
    )
    carried, _ = frame.carry(_estimate(1.0, depth=depth), _R)
    assert carried.depth is not None
    np.testing.assert_allclose(carried.depth.depth, _SCALE, rtol=1e-6)
    assert carried.depth.depth.dtype == np.float32
