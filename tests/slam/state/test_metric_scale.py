"""What a deviation of the metric scale adds to the covariances."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale


@pytest.mark.parametrize(("log_factor", "sigma"), [(0.0, 0.02), (0.3, 0.2), (-0.5, 0.6)])
def test_the_deviation_is_that_of_a_log_normal_factor(log_factor: float, sigma: float) -> None:
    factors = np.exp(np.random.default_rng(0).normal(log_factor, sigma, 400_000))
    deviation = np.sqrt(np.mean((factors - 1.0) ** 2))
    assert MetricScale(log_factor, sigma).deviation == pytest.approx(deviation, rel=0.02)


def test_an_error_of_the_scale_is_along_the_motion() -> None:
    scale, length = MetricScale(0.0, 0.01), np.array([3.0, 0.0, 4.0])
    covariance = scale.covariance(length)
    assert np.sqrt(np.trace(covariance)) == pytest.approx(0.05, rel=1e-3)
    across = np.array([4.0, 0.0, -3.0, 1.0, 1.0, 1.0])
    assert across @ covariance @ across == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.matrix_rank(covariance) == 1


def test_it_says_when_it_is_unknown() -> None:
    assert not UNKNOWN_SCALE.is_known
    assert UNKNOWN_SCALE.deviation > 2.0
    assert MetricScale(0.0, 0.25).is_known
    assert MetricScale(0.7, 0.25).factor == pytest.approx(2.0138, rel=1e-4)


def test_two_sources_count_by_their_information() -> None:
    both = MetricScale(0.2, 0.3).fused(MetricScale(0.5, 0.03))
    assert both.log_factor == pytest.approx((0.2 / 0.09 + 0.5 / 0.0009) / (1 / 0.09 + 1 / 0.0009))
    assert both.sigma < 0.03
