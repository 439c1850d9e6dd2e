import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.evaluation.depth.uncertainty_metrics import (
    SHARES,
    sparsification,
    sparsification_area,
)


def test_the_curve_of_the_true_errors() -> None:
    error = np.arange(1.0, 101.0)
    curve = sparsification(error, error)
    assert curve[0] == pytest.approx(50.5)
    # Half of the pixels taken away: the mean of 1 to 50.
    assert curve[10] == pytest.approx(25.5)
    assert len(curve) == len(SHARES)


@given(st.lists(st.floats(0.0, 10.0), min_size=20, max_size=60), st.integers(0, 1000))
def test_no_uncertainty_is_better_than_the_errors_themselves(
    errors: list[float], seed: int
) -> None:
    error = np.array(errors)
    guess = np.random.default_rng(seed).random(len(error))
    assert sparsification_area(error, guess) >= -1e-9
    assert sparsification_area(error, error) == pytest.approx(0.0)


def test_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        sparsification(np.zeros(0), np.zeros(0))
