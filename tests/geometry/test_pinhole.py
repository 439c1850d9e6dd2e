"""Projection of points with an inverse depth, and its derivatives, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole, project, project_by, projection_jacobians

_CAMERA = Pinhole(410.0, 395.0, 160.7, 118.2, 320, 240)
_STEP = 1e-6


def _project(T: Tensor, pixels: Tensor, inverse_depth: Tensor) -> Tensor:
    p = project(_CAMERA, _CAMERA.rays(pixels), inverse_depth, T[:3, :3], T[:3, 3])
    return p.pixels


@st.composite
def _views(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """T_target_host, a pixel and an inverse depth, the point in front of the target."""
    xi = torch.tensor([draw(st.floats(-0.3, 0.3)) for _ in range(6)])
    pixel = torch.tensor([draw(st.floats(0.0, 319.0)), draw(st.floats(0.0, 239.0))])
    d = torch.tensor(draw(st.floats(0.0, 1.5)))
    return se3.exp(xi.double()), pixel.double(), d.double()


@given(_views())
@settings(deadline=None, max_examples=60)
def test_project_is_rigid_motion_then_division(view: tuple[Tensor, Tensor, Tensor]) -> None:
    T, pixel, d = view
    d = d + 0.05
    X = T[:3, :3] @ (_CAMERA.rays(pixel) / d) + T[:3, 3]
    p = project(_CAMERA, _CAMERA.rays(pixel), d, T[:3, :3], T[:3, 3])
    expected = [_CAMERA.fx * X[0] / X[2] + _CAMERA.cx, _CAMERA.fy * X[1] / X[2] + _CAMERA.cy]
    np.testing.assert_allclose(p.pixels, expected, atol=1e-9)
    np.testing.assert_allclose(p.inverse_depth, 1 / X[2], rtol=1e-12)
    np.testing.assert_allclose(p.scale, p.inverse_depth / d, rtol=1e-12)
    np.testing.assert_allclose(p.xy, X[:2] / X[2], atol=1e-12)
    assert bool(p.in_front)


@given(_views())
@settings(deadline=None, max_examples=60)
def test_jacobian_by_the_pose(view: tuple[Tensor, Tensor, Tensor]) -> None:
    T, pixel, d = view
    p = project(_CAMERA, _CAMERA.rays(pixel), d, T[:3, :3], T[:3, 3])
    J, _ = projection_jacobians(_CAMERA, p, T[:3, 3])
    for k in range(6):
        step = torch.zeros(6).double()
        step[k] = _STEP
        plus, minus = (_project(se3.exp(s) @ T, pixel, d) for s in (step, -step))
        np.testing.assert_allclose(J[:, k], (plus - minus) / (2 * _STEP), rtol=1e-6, atol=1e-5)


@given(_views())
@settings(deadline=None, max_examples=60)
def test_jacobian_by_the_inverse_depth(view: tuple[Tensor, Tensor, Tensor]) -> None:
    T, pixel, d = view
    p = project(_CAMERA, _CAMERA.rays(pixel), d, T[:3, :3], T[:3, 3])
    _, J = projection_jacobians(_CAMERA, p, T[:3, 3])
    plus, minus = (_project(T, pixel, d + s) for s in (_STEP, -_STEP))
    np.testing.assert_allclose(J, (plus - minus) / (2 * _STEP), rtol=1e-6, atol=1e-5)


def test_the_same_camera_sees_a_point_where_it_is() -> None:
    pixels = _CAMERA.grid(torch.device("cpu")).double()
    d = torch.linspace(0.0, 2.0, 240 * 320, dtype=torch.float64).reshape(240, 320)
    T = torch.eye(4, dtype=torch.float64)
    p = project(_CAMERA, _CAMERA.rays(pixels), d, T[:3, :3], T[:3, 3])
    np.testing.assert_allclose(p.pixels, pixels, atol=1e-10)
    np.testing.assert_array_equal(p.inverse_depth, d)


def test_a_point_at_infinity_moves_with_rotation_only() -> None:
    T = se3.exp(torch.tensor([3.0, -2.0, 1.0, 0.0, 0.1, 0.0]).double())
    pixel, d = torch.tensor([100.0, 50.0]).double(), torch.zeros(()).double()
    moved = _project(T, pixel, d)
    T[:3, 3] = 0
    np.testing.assert_allclose(moved, _project(T, pixel, d), atol=1e-12)


def test_a_point_behind_the_target_is_not_in_front_and_stays_finite() -> None:
    T = torch.eye(4, dtype=torch.float64)
    T[2, 3] = -2.0
    d = torch.tensor([1.0, 0.5, 0.4], dtype=torch.float64)  # 1 m, 2 m (on the plane), 2.5 m
    p = project(_CAMERA, _CAMERA.rays(torch.zeros(3, 2).double()), d, T[:3, :3], T[:3, 3])
    assert p.in_front.tolist() == [False, False, True]
    assert torch.isfinite(p.pixels).all()


def test_shapes_broadcast_over_targets_and_points() -> None:
    T = se3.exp(0.1 * torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).double())
    pixels = torch.rand(7, 2, generator=torch.Generator().manual_seed(1)).double() * 200
    d = torch.full((7,), 0.5).double()
    t = T[:, None, :3, 3]
    p = project(_CAMERA, _CAMERA.rays(pixels), d, T[:, None, :3, :3], t)
    J_pose, J_depth = projection_jacobians(_CAMERA, p, t)
    assert p.pixels.shape == (4, 7, 2)
    assert J_pose.shape == (4, 7, 2, 6)
    assert J_depth.shape == (4, 7, 2)
    np.testing.assert_allclose(p.pixels[2, 3], _project(T[2], pixels[3], d[3]), atol=1e-12)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_level_is_the_calibration_of_the_reduced_image(level: int) -> None:
    full = Calibration(640, 480, 525.0, 520.0, 319.5, 239.5)
    reduced = Pinhole.from_calibration(full.resized(640 >> level, 480 >> level))
    assert Pinhole.from_calibration(full).level(level) == reduced


def test_level_keeps_rays() -> None:
    """A pixel of level 1 looks along the middle of the four pixels it averages."""
    fine, coarse = _CAMERA, _CAMERA.level(1)
    four = torch.tensor([[10.0, 20.0], [11.0, 20.0], [10.0, 21.0], [11.0, 21.0]])
    np.testing.assert_allclose(
        fine.rays(four).mean(0), coarse.rays(torch.tensor([5.0, 10.0])), atol=1e-6
    )


def test_odd_sides_lose_their_last_pixel() -> None:
    assert (Pinhole(1, 1, 0, 0, 321, 241).level(1).width, _CAMERA.level(2).height) == (160, 60)


def test_the_compiled_projection_is_the_same_to_the_last_bit() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(4000, 2, generator=generator) * torch.tensor([320.0, 240.0])
    d = torch.rand(4000, generator=generator) * 3.0
    T = se3.exp(torch.tensor([0.4, -0.2, -0.7, 0.3, -0.2, 0.1], dtype=torch.float64))
    rays, T32 = _CAMERA.rays(pixels), T.float()
    p, expected = (
        project_by(_CAMERA, rays, d, T),
        project(_CAMERA, rays, d, T32[:3, :3], T32[:3, 3]),
    )
    assert 0 < int(expected.in_front.sum()) < len(d)
    for name in ("pixels", "xy", "inverse_depth", "scale", "in_front"):
        assert torch.equal(getattr(p, name), getattr(expected, name)), name


def test_a_projection_of_a_grid_has_gradients() -> None:
    rays = _CAMERA.level(4).rays(_CAMERA.level(4).grid(torch.device("cpu")))
    d = torch.full(rays.shape[:2], 0.5, requires_grad=True)
    T = se3.exp(torch.tensor([0.1, 0.0, 0.2, 0.0, 0.1, 0.0], dtype=torch.float64))
    with_gradient, without = (
        project_by(_CAMERA, rays, d, T),
        project_by(_CAMERA, rays, d.detach(), T),
    )
    assert torch.equal(with_gradient.pixels.detach(), without.pixels)
    assert with_gradient.pixels.requires_grad
