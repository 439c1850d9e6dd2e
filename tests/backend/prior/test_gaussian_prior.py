"""The prior over the frames: energy, gradient, gauge and growth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.prior.gaussian_prior import GaussianPrior
from denseba_ros.geometry import se3


def _frames(count: int, seed: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    T = se3.exp(torch.from_numpy(rng.normal(size=(count, 6))))
    return T, torch.from_numpy(rng.normal(size=(count, 2)))


@pytest.fixture
def prior() -> GaussianPrior:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(16, 16))
    T, affine = _frames(2, 0)
    return GaussianPrior(torch.from_numpy(root.T @ root), torch.from_numpy(root[0]), T, affine)


def _moved(prior: GaussianPrior, step: Tensor) -> tuple[Tensor, Tensor]:
    step = step.reshape(-1, 8)
    return se3.exp(step[:, :6]) @ prior.T, prior.affine + step[:, 6:]


def test_step_from_origin_is_the_step_taken(prior: GaussianPrior) -> None:
    step = 0.3 * torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = prior.step_from_origin(*_moved(prior, step))
    np.testing.assert_allclose(x, step, atol=1e-12)


def test_energy_is_the_quadratic(prior: GaussianPrior) -> None:
    x = 0.2 * torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    _, _, energy = prior.at(*_moved(prior, x))
    np.testing.assert_allclose(energy, 0.5 * x @ prior.H @ x + prior.b @ x, rtol=1e-12)


@pytest.mark.parametrize(("distance", "tolerance"), [(0.0, 1e-7), (1e-3, 2e-3)])
def test_gradient_is_that_of_the_energy(
    prior: GaussianPrior, distance: float, tolerance: float
) -> None:
    """Exact at the origin; away from it as exact as steps there and here are the same."""
    away = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    T, affine = _moved(prior, distance * away)
    H, gradient, _ = prior.at(T, affine)
    numeric = []
    for i in range(16):
        step = torch.zeros(16, dtype=torch.float64)
        step[i] = 1e-5
        values = []
        for s in (step.reshape(2, 8), -step.reshape(2, 8)):
            values.append(float(prior.at(se3.exp(s[:, :6]) @ T, affine + s[:, 6:])[2]))
        numeric.append((values[0] - values[1]) / 2e-5)
    np.testing.assert_allclose(gradient, numeric, atol=tolerance * float(gradient.abs().max()))
    assert H is prior.H


def test_gauge_holds_the_first_frame_alone() -> None:
    """0.1 mm and 0.1 mrad are one deviation: nothing in images moves a frame against that."""
    T, affine = _frames(3, 3)
    prior = GaussianPrior.gauge(T, affine)
    assert float(prior.at(T, affine)[2]) == pytest.approx(0.0, abs=1e-9)
    for axis in range(6):
        step = torch.zeros(3, 8, dtype=torch.float64)
        step[0, axis] = 1e-4
        np.testing.assert_allclose(prior.at(*_moved(prior, step))[2], 0.5, rtol=1e-6)
    step = torch.ones(3, 8, dtype=torch.float64)
    step[0] = 0.0
    assert float(prior.at(*_moved(prior, step))[2]) == pytest.approx(0.0, abs=1e-9)


def test_extended_says_nothing_about_the_new_frame(prior: GaussianPrior) -> None:
    new_T, new_affine = (t[0] for t in _frames(1, 4))
    extended = prior.extended(new_T, new_affine)
    step = 0.1 * torch.randn(24, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    H, b, energy = extended.at(*_moved(extended, step))
    _, short_b, short = prior.at(*_moved(prior, step[:16]))
    np.testing.assert_allclose(energy, short, rtol=1e-12)
    np.testing.assert_allclose(b[:16], short_b)
    assert not b[16:].any()
    assert not H[16:].any()


def test_a_larger_world_has_the_same_energy(prior: GaussianPrior) -> None:
    """Frames and prior grown together about any point: what was a step then costs the same."""
    step = 0.2 * torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    T, affine = _moved(prior, step)
    centre = torch.tensor([0.3, -2.0, 1.0], dtype=torch.float64)
    _, _, before = prior.at(T, affine)
    _, _, after = prior.rescaled(1.7, centre).at(se3.rescaled(T, 1.7, centre), affine)
    np.testing.assert_allclose(after, before, rtol=1e-10)
