"""Minima of the epipolar error, and how well they tell the direction of motion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.frontend.two_view.epipolar_refinement import (
    _linearised,
    _tangents,
    direction_sigma,
    epipolar_fits,
    sampson,
)

_FOCAL = 262.0
_R = Rotation.from_rotvec([0.02, -0.06, 0.03]).as_matrix()


def _rays(seed: int, t: np.ndarray, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Rays (150, 3) of a scene 1 to 5 m away, seen from two places; noise in pixels."""
    rng = np.random.default_rng(seed)
    first = np.column_stack([rng.uniform(-0.6, 0.6, (150, 2)), np.ones(150)])
    X = (first * rng.uniform(1.0, 5.0, (150, 1))) @ _R.T + t
    second = X / X[:, 2:]
    second[:, :2] += rng.normal(scale=noise / _FOCAL, size=(150, 2))
    return first, second


@pytest.mark.parametrize("t", [[0.2, 0.0, 0.0], [0.0, -0.1, 0.2], [0.15, 0.1, -0.1]])
def test_the_best_minimum_does_not_depend_on_the_initial_guess(t: list[float]) -> None:
    first, second = _rays(0, np.array(t))
    wrong = np.eye(4)
    wrong[:3, 3] = np.roll(t, 1)
    fits = epipolar_fits(first, second, _FOCAL, wrong, np.eye(3)[None])
    direction = np.array(t) / np.linalg.norm(t)
    assert abs(float(fits.t[0] @ direction)) > 0.99999
    np.testing.assert_allclose(fits.R[0], _R, atol=1e-4)
    assert fits.cost[0] < 1e-6
    assert (np.diff(fits.cost) >= 0).all()


def test_distance_is_that_of_the_epipolar_line() -> None:
    """A shift across the lines of both views by d each moves the Sampson distance by sqrt(2) d."""
    t = np.array([1.0, 0.0, 0.0])
    first = np.array([[0.1, 0.2, 1.0], [-0.3, 0.1, 1.0]])
    second = first + np.array([[-0.2, 0.0, 0.0], [-0.1, 3.0 / _FOCAL, 0.0]])
    distance = sampson(first, second, np.eye(3), t, _FOCAL)
    np.testing.assert_allclose(np.abs(distance), [0.0, 3.0 / np.sqrt(2.0)], atol=1e-9)


def test_derivatives_are_those_of_the_numerator() -> None:
    """Near zero distance the denominator's change does not count: compare with differences."""
    t = np.array([[0.6, -0.48, 0.64]])
    first, second = _rays(1, 0.2 * t[0])
    _, J = _linearised(first.T, second.T, _R[None], t, _FOCAL)
    h = 1e-6
    for k in range(5):
        turn = Rotation.from_rotvec(h * np.eye(5)[k, :3]).as_matrix()
        moved = t[0] + (h * _tangents(t)[k - 3][0] if k >= 3 else 0.0)
        moved /= np.linalg.norm(moved)
        shifted = sampson(first, second, turn @ _R, moved, _FOCAL)
        here = sampson(first, second, _R, t[0], _FOCAL)
        np.testing.assert_allclose(J[0, k], (shifted - here) / h, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("baseline", [0.05, 0.3])
def test_deviation_of_the_direction_is_that_of_repeated_draws(baseline: float) -> None:
    t = np.array([baseline, 0.0, 0.0])
    start = np.eye(4)
    start[:3, :3], start[:3, 3] = _R, t
    off, said = [], []
    for seed in range(40):
        first, second = _rays(7, t)
        rng = np.random.default_rng(seed)
        second[:, :2] += rng.normal(scale=0.4 / _FOCAL, size=(150, 2))
        fits = epipolar_fits(first, second, _FOCAL, start, _R[None])
        direction = fits.t[0] * np.sign(fits.t[0, 0])
        off.append(np.degrees(direction[1:]))
        # Sampson's distance of an error in one of the two images is 1 / sqrt(2) of it.
        pixels = 0.4 / np.sqrt(2.0)
        said.append(direction_sigma(first, second, fits.R[0], fits.t[0], _FOCAL, pixels))
    widest = np.sqrt(np.linalg.eigvalsh(np.cov(np.array(off).T))[-1])
    assert 0.6 < np.mean(said) / widest < 1.6


def test_a_rotation_leaves_the_direction_open() -> None:
    first, second = _rays(2, np.zeros(3), noise=0.2)
    t = np.array([1.0, 0.0, 0.0])
    assert direction_sigma(first, second, _R, t, _FOCAL, 0.3) > 20.0
    same = np.tile([0.1, 0.2, 1.0], (50, 1))
    assert direction_sigma(same, same, np.eye(3), t, _FOCAL, 0.3) == float("inf")
