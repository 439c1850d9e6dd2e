"""The pose is carried over into a map that was adjusted while images were tracked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.slam.initialisation.approximate_pose import ApproximatePose
from denseba_ros.slam.scale.scale_drift import MapScale
from denseba_ros.slam.state.estimate import Tracking
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale
from denseba_ros.slam.state.pose_estimator import PoseEstimator
from denseba_ros.slam.state.stage_timer import StageTimer
from tests.scaled_keyframe import CAMERA, keyframe

_FRAME_NS = 33_000_000
_GROWTH = 1.25


def pose(*step: float) -> Tensor:
    return se3.exp(torch.tensor(step, dtype=torch.float64))


FIRST = pose(0.1, -0.2, 0.3, 0.05, 0.1, -0.02)
STEP = pose(0.02, 0.01, -0.05, 0.01, -0.02, 0.03)
REFINED = pose(0.12, -0.21, 0.33, 0.06, 0.09, -0.03)
TRACKED_AFFINE = torch.tensor([0.1, 3.0], dtype=torch.float64)
REFINED_AFFINE = torch.tensor([0.15, 2.0], dtype=torch.float64)


def alignment(T_image_reference: Tensor, affine: Tensor) -> Any:
    eye = torch.eye(8, dtype=torch.float64)
    return SimpleNamespace(T=T_image_reference, affine=affine, H=eye)


def tracked(images: int) -> PoseEstimator:
    """The image that becomes a keyframe is the first; then ``images`` more are tracked."""
    estimator, reference = PoseEstimator(), keyframe(0, 2.0)
    reference.T = torch.eye(4, dtype=torch.float64)
    estimator.initialise(0, reference.T)
    T = FIRST
    for i in range(images + 1):
        frame: Any = SimpleNamespace(stamp_ns=(i + 1) * _FRAME_NS)
        estimator.update(frame, alignment(T, TRACKED_AFFINE + i), reference)
        T = STEP @ T
    return estimator


def update() -> Any:
    newest = keyframe(1, 2.0)
    newest.T, newest.affine = REFINED, REFINED_AFFINE
    frame = SimpleNamespace(stamp_ns=_FRAME_NS)
    new = SimpleNamespace(image=SimpleNamespace(frame=frame), T=FIRST, affine=TRACKED_AFFINE)
    local_map = SimpleNamespace(camera=CAMERA, keyframes=[newest], newest=newest)
    return SimpleNamespace(keyframe=new, local_map=local_map, growth=_GROWTH)


def grown(T: Tensor) -> Tensor:
    T = T.clone()
    T[:3, 3] *= _GROWTH
    return T


@pytest.mark.parametrize("images", [1, 3])
def test_what_was_tracked_since_keeps_its_motion_at_the_new_scale(images: int) -> None:
    estimator, change = tracked(images), update()
    before = estimator.T
    estimator.move_with(change)
    since = torch.linalg.matrix_power(STEP, images)
    torch.testing.assert_close(estimator.T, grown(since) @ REFINED)
    # Brightness moves by as much as that of the keyframe.
    frame: Any = SimpleNamespace(stamp_ns=(images + 2) * _FRAME_NS, motion=None)
    T_next, affine, turn = estimator.predict(frame, change.local_map.newest)
    assert turn is None
    torch.testing.assert_close(affine, TRACKED_AFFINE + images + REFINED_AFFINE - TRACKED_AFFINE)
    # The velocity, too, is that of the larger map.
    velocity = se3.log(STEP)
    velocity[:3] *= _GROWTH
    torch.testing.assert_close(T_next @ REFINED, se3.exp(velocity) @ estimator.T)
    estimate = estimator.estimate(images, Tracking.TRACKING, StageTimer())
    assert estimate.map_motion is not None
    moved = estimate.map_motion @ se3.inverse(before).numpy()
    np.testing.assert_allclose(moved, estimate.T_world_camera, atol=1e-12)
    assert estimator.estimate(images, Tracking.TRACKING, StageTimer()).map_motion is None


def test_the_keyframe_itself_takes_its_refined_pose() -> None:
    estimator, change = tracked(0), update()
    estimator.move_with(change)
    torch.testing.assert_close(estimator.T, REFINED)
    assert estimator.estimate(0, Tracking.TRACKING, StageTimer()).map_motion is None


def test_a_new_map_in_place_of_another_tells_the_jump_of_the_keyframe_itself() -> None:
    """What two views say of an image that was tracked against the depth model's map is not
    motion."""
    estimator, change = tracked(0), update()
    before = se3.inverse(estimator.T).numpy()
    estimator.move_with(change, is_new_map=True)
    torch.testing.assert_close(estimator.T, REFINED)
    estimate = estimator.estimate(0, Tracking.TRACKING, StageTimer())
    assert estimate.map_motion is not None
    np.testing.assert_allclose(estimate.map_motion @ before, estimate.T_world_camera, atol=1e-12)
    assert not np.allclose(estimate.map_motion, np.eye(4), atol=1e-3)


def test_an_approximate_pose_has_its_own_covariance() -> None:
    """Deviations of the translation are in median depths, and those of images that were lost
    before stay."""
    estimator = PoseEstimator()
    estimator.initialise(0, torch.eye(4, dtype=torch.float64))
    T = pose(0.0, 0.0, 0.0, 0.0, 0.2, 0.0)
    estimator.set_approximate(_FRAME_NS, ApproximatePose(T, 0.1, 0.3), median_depth=2.0)
    torch.testing.assert_close(estimator.T, T)
    estimate = estimator.estimate(_FRAME_NS, Tracking.INITIALISING, StageTimer())
    deviations = np.sqrt(np.diag(estimate.covariance))
    np.testing.assert_allclose(deviations, [0.6] * 3 + [0.1] * 3, rtol=1e-4)
    np.testing.assert_array_equal(estimate.twist, np.zeros(6))


def test_two_moves_before_an_estimate_add_up() -> None:
    estimator, change = tracked(2), update()
    before = se3.inverse(estimator.T).numpy()
    estimator.move_with(change)
    # Again, from the same image: now as if the map had been moved once more.
    change.keyframe.T, change.local_map.newest.T = REFINED, pose(0.2, -0.3, 0.3, 0.0, 0.1, 0.0)
    estimator.move_with(change)
    estimate = estimator.estimate(0, Tracking.TRACKING, StageTimer())
    assert estimate.map_motion is not None
    np.testing.assert_allclose(estimate.map_motion @ before, estimate.T_world_camera, atol=1e-12)


def test_what_is_in_metres_carries_the_deviation_of_the_metric_scale() -> None:
    """In proportion to the way from the origin, and to the velocity; the rest stays."""
    estimator = tracked(2)
    estimates = []
    for metric in (MetricScale(0.0, 1e-9), MetricScale(0.0, 0.1), UNKNOWN_SCALE):
        estimator.set_scale(MapScale(0.0, metric))
        estimates.append(estimator.estimate(0, Tracking.TRACKING, StageTimer()))
        assert estimates[-1].metric_scale == metric
    known, doubted, unknown = estimates
    for name, length in (
        ("covariance", known.T_world_camera[:3, 3]),
        ("twist_covariance", known.twist[:3]),
    ):
        added = getattr(doubted, name) - getattr(known, name)
        deviation = doubted.metric_scale.deviation
        np.testing.assert_allclose(added[:3, :3], deviation**2 * np.outer(length, length))
        assert not added[3:].any()
        assert np.trace(getattr(unknown, name)) > np.trace(getattr(doubted, name))


class _Imu:
    """Knows the unit at the newest keyframe, and nothing else."""

    def __init__(self) -> None:
        self.motion: Any = None
        self.status = None

    def turn(self, start_ns: int, end_ns: int) -> None:
        return None

    def tells(self, log_factor: float, sigma: float) -> None:
        self.motion = SimpleNamespace(scale=MetricScale(log_factor, sigma))


def test_an_imu_bounds_the_drift_of_the_scale_by_what_it_saw_of_it() -> None:
    imu: Any = _Imu()
    estimator = PoseEstimator(imu)

    def drift(motion: Any) -> float:
        imu.motion = motion
        estimator.set_scale(MapScale(0.3, UNKNOWN_SCALE))
        return estimator._path.scale_sigma

    assert drift(None) == 0.3
    imu.tells(1.0, 0.01)
    assert drift(imu.motion) == pytest.approx(0.01 * 2**0.5)
    imu.tells(1.05, 0.01)
    assert drift(imu.motion) == pytest.approx((0.05**2 + 2 * 0.01**2) ** 0.5)
    imu.tells(2.0, 0.01)
    assert drift(imu.motion) == 0.3
    assert drift(None) == 0.3
