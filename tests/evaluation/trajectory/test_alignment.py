"""Umeyama alignment recovers what was applied, and is the least-squares optimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from denseba_ros.errors import TrajectoryError
from denseba_ros.evaluation.trajectory.alignment import Similarity, umeyama

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, log_scale=st.floats(-3, 3), count=st.integers(4, 60))
def test_recovers_a_known_similarity(seed: int, log_scale: float, count: int) -> None:
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(count, 3))
    true = Similarity(
        np.exp(log_scale), Rotation.random(random_state=seed).as_matrix(), rng.normal(size=3) * 10
    )
    found = umeyama(source, true.points(source))
    assert found.scale == pytest.approx(true.scale, rel=1e-9)
    np.testing.assert_allclose(found.rotation, true.rotation, atol=1e-7)
    np.testing.assert_allclose(found.points(source), true.points(source), atol=1e-7)


@settings(max_examples=30)
@given(seed=seeds)
def test_no_neighbouring_similarity_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 20, 3))
    best = umeyama(source, target)
    cost = np.sum((best.points(source) - target) ** 2)
    turn = Rotation.from_rotvec(rng.normal(size=3) * 1e-2).as_matrix()
    for other in (
        Similarity(best.scale * 1.01, best.rotation, best.translation),
        Similarity(best.scale, turn @ best.rotation, best.translation),
        Similarity(best.scale, best.rotation, best.translation + 1e-2),
    ):
        assert np.sum((other.points(source) - target) ** 2) >= cost - 1e-12


@given(seed=seeds)
def test_a_mirrored_path_still_gives_a_rotation(seed: int) -> None:
    source = np.random.default_rng(seed).normal(size=(10, 3))
    found = umeyama(source, source * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_without_scale_the_scale_stays_one() -> None:
    source = np.random.default_rng(0).normal(size=(10, 3))
    assert umeyama(source, 3.0 * source, with_scale=False).scale == 1.0


def test_a_straight_path_is_aligned() -> None:
    source = np.linspace(0, 1, 10)[:, None] * [0.0, 0.0, 1.0]
    target = np.linspace(0, 2, 10)[:, None] * [1.0, 0.0, 0.0] + 5.0
    found = umeyama(source, target)
    np.testing.assert_allclose(found.points(source), target, atol=1e-9)
    assert found.is_collinear


def test_a_path_beside_a_straight_true_one_is_as_far_off_as_it_is() -> None:
    """Scale and translation are determined; about the line any rotation gives the same errors."""
    rng = np.random.default_rng(3)
    target = np.linspace(0, 2, 50)[:, None] * [1.0, 0.0, 0.0]
    source = 0.5 * (target + rng.normal(0, 0.01, (50, 3)))
    found = umeyama(source, target)
    assert found.is_collinear
    assert found.scale == pytest.approx(2.0, rel=0.02)
    errors = np.linalg.norm(found.points(source) - target, axis=1)
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(0.01 * np.sqrt(3), rel=0.2)
    turned = Rotation.from_rotvec([1.0, 0.0, 0.0]).as_matrix() @ found.rotation
    shift = target.mean(axis=0) - found.scale * turned @ source.mean(axis=0)
    again = np.linalg.norm(Similarity(found.scale, turned, shift).points(source) - target, axis=1)
    np.testing.assert_allclose(again, errors, atol=1e-12)


def test_a_curved_path_is_not_collinear() -> None:
    source = np.random.default_rng(0).normal(size=(10, 3))
    source[:, 1:] *= 1e-3
    assert not umeyama(source, source).is_collinear


def test_too_little_to_align_is_an_error() -> None:
    with pytest.raises(TrajectoryError):
        umeyama(np.zeros((2, 3)), np.zeros((2, 3)))


def test_a_path_that_stands_still_is_laid_upon_the_middle_of_the_other() -> None:
    target = np.random.default_rng(0).normal(size=(5, 3))
    found = umeyama(np.ones((5, 3)), target)
    assert (found.scale, found.is_collinear) == (1.0, True)
    np.testing.assert_allclose(found.points(np.ones((5, 3))), [target.mean(axis=0)] * 5)
    still = umeyama(target, np.ones((5, 3)))
    np.testing.assert_allclose(still.points(target), np.ones((5, 3)), atol=1e-12)
