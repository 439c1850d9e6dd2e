"""Depth errors on values whose errors are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.evaluation.depth.depth_metrics import (
    depth_errors,
    mean_errors,
    median_ratio,
    median_scale,
)

depths = st.lists(st.floats(0.1, 100.0), min_size=1, max_size=50)


def test_known_values() -> None:
    truth = np.array([1.0, 2.0, 4.0, 10.0])
    estimate = np.array([1.0, 2.6, 6.4, 30.0])
    errors = depth_errors(estimate, truth)
    assert errors.abs_rel == pytest.approx((0 + 0.3 + 0.6 + 2.0) / 4)
    assert errors.median_rel == pytest.approx(0.45)
    assert errors.rmse_m == pytest.approx(np.sqrt((0.36 + 5.76 + 400) / 4))
    assert (errors.delta1, errors.delta2, errors.delta3) == (0.25, 0.5, 0.75)


@given(values=depths, factor=st.floats(0.1, 10.0))
def test_median_scale_removes_a_common_factor(values: list[float], factor: float) -> None:
    truth = np.array(values)
    estimate = truth / factor
    errors = depth_errors(estimate, truth, median_scale(estimate, truth))
    assert errors.abs_rel == pytest.approx(0, abs=1e-9)
    assert errors.delta1 == 1.0


def test_border_pixels_move_the_median_scale_but_not_the_median_ratio() -> None:
    truth = np.repeat([2.0, 4.0], [49, 51])
    estimate = truth.copy()
    estimate[49:53] = 2.0  # the border of the near object bleeds over four far pixels
    assert median_scale(estimate, truth) == 2.0
    assert median_ratio(estimate, truth) == 1.0


def test_mean_is_over_frames_not_pixels() -> None:
    exact = depth_errors(np.ones(100), np.ones(100))
    wrong = depth_errors(np.full(1, 2.0), np.ones(1))
    means = mean_errors([exact, wrong])
    assert means["abs_rel"] == 0.5
    assert (means["frames"], means["pixels"]) == (2, 101)


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        depth_errors(np.zeros(0), np.zeros(0))
