"""Losses: the weight is the derivative of the cost, and closures near are squared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.pose_graph.robust_loss import SQUARED_OUTLIER, Cauchy, Squared


@given(st.floats(0.0, 1e4), st.sampled_from([Squared(), Cauchy(), Cauchy(3.0)]))
def test_weight_is_the_derivative_of_the_cost(squared: float, loss: Squared) -> None:
    step = 1e-4 * (1.0 + squared)
    ends = loss.cost(np.array([squared + step, squared - step]))
    difference = (ends[0] - ends[1]) / (2 * step)
    assert loss.weight(np.array(squared)) == pytest.approx(difference, rel=1e-5)


def test_cauchy_halves_the_weight_at_its_width() -> None:
    weights = Cauchy().weight(np.array([0.0, SQUARED_OUTLIER]))
    np.testing.assert_allclose(weights, [1.0, 0.5])
