"""NEES of simulated odometry whose covariance is right, too small, or missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.evaluation.trajectory.nees import StatedScale, nees_report
from denseba_ros.evaluation.trajectory.trajectory_metrics import MatchedTrajectories, match
from denseba_ros.sequences.trajectory import Trajectory

STEP_NS = 100_000_000
SIGMA = np.array([0.004, 0.002, 0.006, 0.0015, 0.003, 0.001])


def simulated_odometry(seed: int, count: int = 2000) -> tuple[MatchedTrajectories, np.ndarray]:
    """Noisy steps added up, at scale 0.5, with the covariance that those steps make.

    The noise of each step is drawn along the odometry frame's axes and carried forward by the
    lever arm, which is written here anew, from the definition of ``Estimate.covariance``.
    """
    rng = np.random.default_rng(seed)
    true, estimated = np.tile(np.eye(4), (2, count, 1, 1))
    covariances = np.zeros((count, 6, 6))
    for i in range(1, count):
        step = np.eye(4)
        step[:3, :3] = Rotation.from_rotvec([0, 0.03, 0.01 * np.sin(i / 9)]).as_matrix()
        step[:3, 3] = [0.02, 0.0, 0.1]
        true[i] = true[i - 1] @ step
        noise = rng.normal(0, SIGMA)
        clean = estimated[i - 1] @ step
        # truth = noise added to the estimate, so the estimate is the clean step without it
        estimated[i, :3, 3] = clean[:3, 3] - noise[:3]
        estimated[i, :3, :3] = Rotation.from_rotvec(-noise[3:]).as_matrix() @ clean[:3, :3]
        estimated[i, 3] = [0, 0, 0, 1]
        x, y, z = estimated[i, :3, 3] - estimated[i - 1, :3, 3]
        carry = np.eye(6)
        carry[:3, 3:] = [[0, z, -y], [-z, 0, x], [y, -x, 0]]
        covariances[i] = carry @ covariances[i - 1] @ carry.T + np.diag(SIGMA**2)
    metric = true.copy()
    metric[:, :3, 3] *= 2.0
    stamps = np.arange(count, dtype=np.int64) * STEP_NS
    matched = match(Trajectory(stamps, estimated), Trajectory(stamps, metric), STEP_NS // 2)
    # drift bends the path, so the fitted scale is not the one that made it; NEES needs the latter
    scaled = type(matched.alignment)(2.0, matched.alignment.rotation, matched.alignment.translation)
    return (
        MatchedTrajectories(
            stamps, matched.estimate, matched.groundtruth, matched.estimate_index, scaled
        ),
        covariances,
    )


def _mean(report: dict[str, Any], part: str) -> float:
    return float(report[part]["mean"])


def test_consistent_odometry_has_its_degrees_of_freedom() -> None:
    matched, covariances = simulated_odometry(0)
    report: dict[str, Any] = nees_report(matched, covariances)
    assert report["motions"] > 150
    assert _mean(report, "pose") == pytest.approx(6, abs=0.8)
    assert _mean(report, "translation") == pytest.approx(3, abs=0.6)
    assert _mean(report, "rotation") == pytest.approx(3, abs=0.6)
    assert _mean(report, "pose_lower_bound") < _mean(report, "pose")
    assert report["pose"]["share_inside_95_percent"] == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize(("factor", "expected"), [(0.25, 24.0), (4.0, 1.5)])
def test_over_and_underconfidence_are_detected(factor: float, expected: float) -> None:
    matched, covariances = simulated_odometry(1)
    report: dict[str, Any] = nees_report(matched, covariances * factor)
    assert _mean(report, "pose") == pytest.approx(expected, rel=0.15)
    low, high = report["pose"]["mean_expected_95_percent"]
    assert not low < _mean(report, "pose") < high


def test_covariance_that_does_not_grow_is_counted_not_inverted() -> None:
    matched, covariances = simulated_odometry(2, count=200)
    constant = np.tile(covariances[100], (200, 1, 1))
    report: dict[str, Any] = nees_report(matched, constant)
    assert report["motions"] == 0
    assert report["motions_left_out_covariance_did_not_grow"] > 10
    assert report["pose"]["mean"] is None
    assert 0 < _mean(report, "pose_lower_bound") < 6


@pytest.mark.parametrize(("sigma", "is_honest"), [(0.7, True), (0.02, False)])
def test_a_wrong_metric_scale_must_have_been_stated(sigma: float, is_honest: bool) -> None:
    """A unit is two metres here. Up to scale the covariance is right, whatever is said of it."""
    matched, covariances = simulated_odometry(3)
    deviations = np.full(len(covariances), sigma)
    stated = StatedScale(sigma * matched.estimate[:, :3, 3], deviations)
    total = covariances.copy()
    total[:, :3, :3] += stated.errors[:, :, None] * stated.errors[:, None, :]
    report: dict[str, Any] = nees_report(matched, total, stated=stated)
    assert _mean(report, "pose") == pytest.approx(6, abs=0.8)
    assert report["metric"]["metres_per_unit"] == pytest.approx(2.0)
    assert report["metric"]["stated_deviation"] == sigma
    assert (_mean(report["metric"], "pose") < 20.0) == is_honest
    assert "metric" not in nees_report(matched, covariances)
