"""Drift and the model's errors told apart, on simulated ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denseba_ros.slam.scale.scale_hypotheses import DRIFT, LASTING, WANDERING, ScaleHypotheses

# Deviation of the log scale after a travelled depth; the keyframes are a tenth of that apart.
_DRIFT, _STEP = 0.03, 0.1


def drift_of(
    ratios: np.ndarray, disagreement: float = 0.05, hypotheses: ScaleHypotheses | None = None
) -> np.ndarray:
    """The drift (N,) that is estimated at each of N keyframes, from log ratios (N,)."""
    hypotheses = hypotheses or ScaleHypotheses()
    drifts = []
    for ratio in ratios:
        hypotheses.predict(_STEP, _DRIFT**2 * _STEP, disagreement)
        hypotheses.update(float(ratio), disagreement)
        drifts.append(hypotheses.mean(DRIFT))
    return np.array(drifts)


def wandering(count: int, sigma: float, keyframes: float, seed: int) -> np.ndarray:
    """A Gauss-Markov process (count,) of deviation ``sigma``, correlated over ``keyframes``."""
    rng, kept = np.random.default_rng(seed), math.exp(-1.0 / keyframes)
    values = [rng.normal(0.0, sigma)]
    for _ in range(count - 1):
        values.append(kept * values[-1] + math.sqrt(1 - kept**2) * rng.normal(0.0, sigma))
    return np.array(values)


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_wanders_does_not_move_a_map_without_drift(seed: int) -> None:
    """15 % over ten keyframes in a row, as in worlds that the model has not seen."""
    ratios = wandering(120, 0.15, 10.0, seed)
    assert np.std(drift_of(ratios, 0.1)) < 0.04


@pytest.mark.parametrize("seed", range(4))
def test_drift_is_seen_by_a_model_that_knows_its_world(seed: int) -> None:
    """12 % over 120 keyframes, errors of 3 % from keyframe to keyframe, and 5 % that last."""
    drift = np.linspace(0.0, 0.12, 120)
    ratios = 0.05 + drift + np.random.default_rng(seed).normal(0.0, 0.03, 120)
    assert drift_of(ratios)[-1] == pytest.approx(0.12, abs=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_a_slow_change_is_the_models_where_shapes_disagree(seed: int) -> None:
    """A ratio that changes by 60 % over 30 travelled depths; shapes disagree, or do not."""
    noise = np.random.default_rng(seed).normal(0.0, 0.03, 300)
    ratios = np.linspace(0.0, 0.5, 300) + noise
    assert abs(drift_of(ratios, disagreement=0.25)[-1]) < 0.01
    assert abs(drift_of(ratios, disagreement=0.16)[-1]) < 0.05
    assert drift_of(ratios, disagreement=0.05)[-1] > 0.3


def test_what_was_there_from_the_start_is_not_drift() -> None:
    hypotheses = ScaleHypotheses()
    assert abs(drift_of(np.full(60, 0.3), hypotheses=hypotheses)).max() < 0.05
    assert hypotheses.mean(LASTING) + hypotheses.mean(WANDERING) == pytest.approx(0.3, abs=0.05)


def test_a_model_that_loses_its_world_is_believed_less_and_later_again() -> None:
    """Forty keyframes in a strange place between two hundred in a known one."""
    known = np.random.default_rng(0).normal(0.0, 0.01, 80)
    strange = wandering(40, 0.3, 3.0, 1)
    hypotheses = ScaleHypotheses()
    sure = []
    for part in (known, strange, known):
        drift_of(part, hypotheses=hypotheses)
        sure.append(hypotheses.weights[:2].sum())
    assert sure[0] > 0.7
    assert sure[1] < 0.3
    assert sure[2] > 0.7


def test_a_jump_moves_little() -> None:
    hypotheses = ScaleHypotheses()
    drift_of(np.zeros(40), hypotheses=hypotheses)
    assert abs(drift_of(np.array([3.0]), hypotheses=hypotheses)[0]) < 0.02


def test_the_disagreement_says_how_much_a_keyframe_counts() -> None:
    moved = []
    for disagreement in (0.05, 0.3):
        hypotheses = ScaleHypotheses()
        drift_of(np.zeros(40), hypotheses=hypotheses)
        moved.append(drift_of(np.full(10, 0.1), disagreement, hypotheses)[-1])
    assert moved[0] > 2.0 * moved[1] > 0.0


@pytest.mark.parametrize("disagreement", [0.05, 0.3])
def test_the_model_may_wander_as_far_as_the_shapes_disagree(disagreement: float) -> None:
    """From half to four times that, wherever it is on the way."""
    hypotheses = ScaleHypotheses()
    for travel in (1.0, 0.5):
        hypotheses.predict(travel, 0.0, disagreement)
        sigmas = np.sqrt(hypotheses._covariance[:, WANDERING, WANDERING])
        np.testing.assert_allclose(sigmas, disagreement * np.array([0.5, 1.0, 2.0, 4.0]))


def test_another_maps_drift_is_found_by_what_is_known_of_the_model() -> None:
    hypotheses = ScaleHypotheses()
    drift_of(np.full(60, 0.2), hypotheses=hypotheses)
    hypotheses.set_drift_sigma(0.3)
    assert hypotheses.variance(DRIFT) == pytest.approx(0.09)
    drifts = drift_of(np.full(20, -0.1), hypotheses=hypotheses)
    assert drifts[-1] == pytest.approx(-0.3, abs=0.06)
    assert math.sqrt(hypotheses.variance(DRIFT)) < 0.15


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=30), st.floats(0.0, 1.0))
def test_covariances_stay_positive_and_signs_do_not_matter(
    ratios: list[float], disagreement: float
) -> None:
    hypotheses = ScaleHypotheses()
    there = drift_of(np.array(ratios), disagreement, hypotheses)
    assert np.linalg.eigvalsh(hypotheses._covariance).min() > -1e-12
    assert hypotheses.weights.sum() == pytest.approx(1.0)
    back = drift_of(-np.array(ratios), disagreement)
    np.testing.assert_allclose(there, -back, atol=1e-12)


def test_what_was_corrected_is_no_drift_any_more() -> None:
    hypotheses = ScaleHypotheses()
    drift = drift_of(np.linspace(0.0, 0.2, 40), hypotheses=hypotheses)[-1]
    sigma = hypotheses.variance(DRIFT)
    hypotheses.correct_drift(drift)
    assert hypotheses.mean(DRIFT) == pytest.approx(0.0)
    assert hypotheses.variance(DRIFT) == pytest.approx(sigma)
