"""Trajectory errors on constructed errors, and against evo on random paths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.evo_check import disagreements, evo_program, evo_report
from denseba_ros.evaluation.trajectory.trajectory_metrics import (
    ErrorStatistics,
    absolute_errors,
    match,
    relative_errors,
    trajectory_report,
)
from denseba_ros.sequences.trajectory import Trajectory

STEP_NS = 50_000_000


def random_walk(seed: int, count: int = 80) -> Trajectory:
    rng = np.random.default_rng(seed)
    T = np.tile(np.eye(4), (count, 1, 1))
    for i in range(1, count):
        step = np.eye(4)
        step[:3, :3] = Rotation.from_rotvec(rng.normal(0, 0.05, 3)).as_matrix()
        step[:3, 3] = rng.normal([0, 0, 0.2], 0.1)
        T[i] = T[i - 1] @ step
    return Trajectory(np.arange(count, dtype=np.int64) * STEP_NS, T)


def disturbed(truth: Trajectory, seed: int, sigma: float = 0.02) -> Trajectory:
    """Noise on every pose, then another world frame and scale."""
    rng = np.random.default_rng(seed)
    T = truth.T_world_camera.copy()
    T[:, :3, 3] += rng.normal(0, sigma, (len(T), 3))
    T[:, :3, :3] = (
        Rotation.from_rotvec(rng.normal(0, sigma, (len(T), 3))).as_matrix() @ T[:, :3, :3]
    )
    world = np.eye(4)
    world[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    world[:3, 3] = rng.normal(size=3)
    T = world @ T
    T[:, :3, 3] *= 0.3
    return Trajectory(truth.stamps_ns, T)


def test_a_constant_rotation_drift_is_the_relative_error() -> None:
    truth = random_walk(0)
    drift = Rotation.from_rotvec([0, np.radians(0.5), 0]).as_matrix()
    T = truth.T_world_camera.copy()
    for i in range(1, len(T)):
        step = np.linalg.inv(truth.T_world_camera[i - 1]) @ truth.T_world_camera[i]
        step[:3, :3] = step[:3, :3] @ drift
        T[i] = T[i - 1] @ step
    matched = match(Trajectory(truth.stamps_ns, T), truth, STEP_NS // 2)
    steps = np.arange(len(T) - 1)
    degrees = relative_errors(matched, steps, steps + 1)[1]
    np.testing.assert_allclose(degrees, 0.5, atol=1e-6)


def test_statistics_of_known_errors() -> None:
    statistics = ErrorStatistics.of(np.array([3.0, 4.0]))
    assert statistics.rmse == pytest.approx(np.sqrt(12.5))
    assert (statistics.count, statistics.mean, statistics.max) == (2, 3.5, 4.0)
    assert np.isnan(ErrorStatistics.of(np.zeros(0)).rmse)


def test_noise_is_measured_in_metres_of_the_ground_truth() -> None:
    truth = random_walk(1, count=2000)
    matched = match(disturbed(truth, 2, sigma=0.02), truth, STEP_NS // 2)
    rmse = ErrorStatistics.of(absolute_errors(matched)).rmse
    assert rmse == pytest.approx(0.02 * np.sqrt(3), rel=0.05)
    assert matched.alignment.scale == pytest.approx(1 / 0.3, rel=0.01)


def test_only_poses_within_the_tolerance_are_matched() -> None:
    truth = random_walk(3)
    late = Trajectory(truth.stamps_ns + 30_000_000, truth.T_world_camera)
    with pytest.raises(TrajectoryError, match="only 0 of 80"):
        match(late, truth, 10_000_000)


@pytest.mark.slow
@pytest.mark.skipif(evo_program("evo_ape") is None, reason="evo is not installed")
@pytest.mark.parametrize("with_scale", [True, False])
def test_evo_agrees(with_scale: bool) -> None:
    truth = random_walk(4)
    estimate = disturbed(truth, 5)
    # ground truth at another rate and offset, and frames that were not tracked
    kept = np.r_[0:20, 25:80]
    estimate = Trajectory(estimate.stamps_ns[kept] + 3_000_000, estimate.T_world_camera[kept])
    theirs = evo_report(estimate, truth, STEP_NS // 4, with_scale)
    assert theirs is not None
    ours = trajectory_report(match(estimate, truth, STEP_NS // 4, with_scale))
    assert disagreements(ours, theirs, tolerance=1e-4) == []
    assert len(disagreements(ours, {"ate_m": {"rmse": 1.5 * theirs["ate_m"]["rmse"]}})) == 1
