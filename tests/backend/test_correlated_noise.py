"""Systematic displacement of the image: solved for in full, against what is predicted of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.correlated_noise import (
    Floats,
    TwoViewLinearisation,
    VisibleDisplacement,
    field_terms,
    motion_covariance,
    pair_view,
    visible_displacement,
)
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project_by

CAMERA = Pinhole(300.0, 300.0, 199.5, 149.5, 400, 300)
HALF = 200.0
TERMS = 13
SIZE = 1e-3
FREEDOM = 64.0
MOTION = torch.tensor([0.25, -0.05, 0.1, 0.02, 0.05, -0.03], dtype=torch.float64)


@dataclass(frozen=True)
class Scene:
    """Points of one host and their true places in a target."""

    pixels: Tensor
    depth: Tensor
    T: Tensor

    @classmethod
    def random(cls, count: int, motion: Tensor = MOTION) -> Scene:
        generator = torch.Generator().manual_seed(3)
        uniform = torch.rand(count, 3, generator=generator, dtype=torch.float64)
        pixels = uniform[:, :2] * torch.tensor([260.0, 180.0]) + 70.0
        return cls(pixels, 1.0 / (1.5 + 4 * uniform[:, 2]), se3.exp(motion))

    @property
    def target(self) -> Tensor:
        return project_by(CAMERA, CAMERA.rays(self.pixels), self.depth, self.T).pixels

    def seen(self, T: Tensor, usable: NDArray[np.bool_]) -> TwoViewLinearisation | None:
        return pair_view(CAMERA, self.pixels.numpy(), self.depth.numpy(), T.numpy(), usable)

    @property
    def view(self) -> TwoViewLinearisation:
        view = self.seen(self.T, np.ones(len(self.pixels), np.bool_))
        assert view is not None
        assert len(view.chosen) == len(self.pixels)
        return view


def _as_tensor(array: Floats) -> Tensor:
    return torch.from_numpy(array)


def _displaced(pixels: Tensor, size: Tensor) -> Tensor:
    """Pixels where a field with these sizes (13,) puts them."""
    return pixels + HALF * _as_tensor(field_terms(CAMERA, pixels.numpy())) @ size


class _Solver:
    """Gauss-Newton over motion and depths together, its Jacobian by automatic differentiation."""

    def __init__(self, scene: Scene) -> None:
        self.scene, view = scene, scene.view
        self.root = _as_tensor(view.count[view.tile] ** -0.5)[:, None]
        start = torch.zeros(6 + len(scene.pixels), dtype=torch.float64)
        still = scene.pixels, scene.target
        A = torch.autograd.functional.jacobian(lambda x: self._residual(x, *still), start)
        self.inverse = torch.linalg.pinv(A)
        self.start = start

    def _residual(self, x: Tensor, host: Tensor, target: Tensor) -> Tensor:
        T = se3.exp(x[:6]) @ self.scene.T
        depth = self.scene.depth * (1 + x[6:])
        places = project_by(CAMERA, CAMERA.rays(host), depth, T).pixels
        off = (places - target) / HALF * self.root
        return torch.cat([off.reshape(-1), self.root[:, 0] * x[6:] / FREEDOM])

    def error(self, host: Tensor, target: Tensor, held: Tensor | None = None) -> Tensor:
        """Error (6,) of T_target_host from displaced places, the depths held off by ``held`` (N,)
        relative to the true ones."""
        residual = self._residual(self.start, host, target)
        if held is not None:
            residual[-len(held) :] -= self.root[:, 0] * held / FREEDOM
        return (self.inverse @ residual)[:6]


def _nees(errors: Tensor, covariance: Tensor) -> float:
    return float((errors * torch.linalg.solve(covariance, errors.T).T).sum(1).mean())


def test_the_smooth_field_moves_the_solution_as_predicted() -> None:
    scene = Scene.random(100)
    generator = torch.Generator().manual_seed(0)
    solver, errors = _Solver(scene), []
    for _ in range(200):
        size = SIZE * torch.randn(TERMS, generator=generator, dtype=torch.float64)
        places = _displaced(scene.pixels, size), _displaced(scene.target, size)
        errors.append(solver.error(*places))
    steady, _ = motion_covariance(scene.view)
    assert _nees(torch.stack(errors), SIZE**2 * _as_tensor(steady)) == pytest.approx(6, rel=0.15)


def test_places_off_by_themselves_move_the_solution_as_predicted() -> None:
    scene = Scene.random(100)
    view = scene.view
    generator = torch.Generator().manual_seed(1)
    solver, errors = _Solver(scene), []
    for _ in range(200):
        own = torch.randn(len(view.tile), 3, generator=generator, dtype=torch.float64)
        # The mean over a tile is off by SIZE.
        own = SIZE * own * _as_tensor(view.count[view.tile] ** 0.5)[:, None]
        target = scene.target + HALF * own[:, :2]
        errors.append(solver.error(scene.pixels, target, FREEDOM * own[:, 2]))
    _, random = motion_covariance(view)
    assert _nees(torch.stack(errors), SIZE**2 * _as_tensor(random)) == pytest.approx(6, rel=0.15)


def test_errors_of_the_smooth_field_grow_like_the_motion() -> None:
    small = motion_covariance(Scene.random(200, 0.05 * MOTION).view)[0].diagonal() ** 0.5
    twice = motion_covariance(Scene.random(200, 0.1 * MOTION).view)[0].diagonal() ** 0.5
    np.testing.assert_allclose(twice / small, 2.0, rtol=0.15)


def test_the_size_of_the_field_shows_in_the_residuals() -> None:
    scene = Scene.random(600)
    generator = torch.Generator().manual_seed(2)
    measured = expected = 0.0
    for _ in range(100):
        size = SIZE * torch.randn(TERMS, generator=generator, dtype=torch.float64)
        shift = _as_tensor(scene.view.field) @ size * HALF
        visible = visible_displacement(scene.view, (scene.target - shift).numpy())
        measured, expected = measured + visible.measured, expected + visible.field
    assert (measured / expected) ** 0.5 == pytest.approx(SIZE, rel=0.2)


def test_noise_of_single_pixels_is_no_displacement() -> None:
    """Nor less than none: on average nothing is measured, within three standard errors."""
    scene = Scene.random(600)
    generator, view = torch.Generator().manual_seed(4), scene.view
    found = []
    for _ in range(100):
        noise = 0.5 * torch.randn(600, 2, generator=generator, dtype=torch.float64)
        visible = visible_displacement(view, (scene.target + noise).numpy())
        found.append((visible.measured, visible.field))
    measured, expected = np.array(found).T
    assert abs(measured.mean()) < 3 * measured.std() / 10
    assert measured.mean() < 3e-3**2 * expected.mean()


def test_mismatches_say_nothing() -> None:
    scene = Scene.random(600)
    assert visible_displacement(scene.view, (scene.target + 40.0).numpy()) == VisibleDisplacement()


def test_displacements_of_tiles_show_but_for_what_the_motion_absorbs() -> None:
    """Each tile moves by itself: the sum over tiles is the square of that, in as many tiles as are
    said, which are fewer than there are, by about half of the motion's six numbers."""
    scene = Scene.random(600)
    generator, view = torch.Generator().manual_seed(5), scene.view
    measured, tiles = [], visible_displacement(view, scene.target.numpy()).tiles
    for _ in range(200):
        moved = SIZE * torch.randn(len(view.count), 2, generator=generator, dtype=torch.float64)
        shift = moved[view.tile] * HALF
        measured.append(visible_displacement(view, (scene.target - shift).numpy()).measured)
    assert len(view.count) - 6 < tiles < len(view.count) - 1
    assert np.mean(measured) == pytest.approx(tiles * SIZE**2, rel=0.2)


def test_a_tile_without_corners_does_not_show() -> None:
    scene = Scene.random(600)
    observed = scene.target.numpy().copy()
    tiles = visible_displacement(scene.view, observed).tiles
    observed[np.isin(scene.view.tile, (0, 1, 2, 3))] += 40.0
    assert 0.0 < visible_displacement(scene.view, observed).tiles < tiles - 2.5


def test_a_pair_that_shares_too_little_has_no_view() -> None:
    scene = Scene.random(200)
    away = se3.exp(torch.tensor([0, 0, 0, 0, 1.5, 0]).double())
    usable = np.ones(200, np.bool_)
    assert scene.seen(away, usable) is None
    usable[20:] = False
    assert scene.seen(scene.T, usable) is None
