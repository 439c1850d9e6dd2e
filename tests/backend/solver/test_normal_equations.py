"""Normal equations against finite differences of the energy and of the residuals, in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend import photometric
from denseba_ros.backend.kernels.torch_kernel import TORCH_KERNEL
from denseba_ros.backend.photometric import patch_reference, patch_residual
from denseba_ros.backend.problem import FRAME_DOF, Noise
from denseba_ros.backend.reprojection import corner_residual
from denseba_ros.backend.solver.energy import energy
from denseba_ros.geometry import se3

# Steps of translation, rotation, log gain and offset for central differences.
_STEPS = (1e-6,) * 7 + (1e-4,)
_DEPTH_STEP = 1e-6


@pytest.fixture
def one_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches of their centre alone, at which Jacobians are taken."""
    monkeypatch.setattr(photometric, "PATTERN", ((0, 0),))


def _numeric_gradient(window: Any, algebra: Any, level: int) -> Tensor:
    """Gradient (8K + KN,) of the energy by central differences."""
    problem, variables = window.problem, window.variables
    reference = patch_reference(problem, level)
    counts = patch_residual(problem, reference, variables, level).counts
    k, n = variables.inverse_depth.shape
    steps = torch.tensor(_STEPS * k + (_DEPTH_STEP,) * (k * n), dtype=torch.float64)
    gradient = torch.zeros_like(steps)
    for i, h in enumerate(steps):
        step = torch.zeros_like(steps)
        step[i] = h
        plus, minus = (
            energy(problem, reference, algebra.retracted(variables, s), level, counts, TORCH_KERNEL)
            for s in (step, -step)
        )
        gradient[i] = (plus - minus) / (2 * h)
    return gradient


def _close(actual: Tensor, expected: Tensor, relative: float) -> None:
    """Each kind of unknown (translation, rotation, gain, offset, depth) against its own size."""
    k = 3
    frames = slice(0, k * FRAME_DOF)
    for part in (slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)):
        a = actual[frames].reshape(k, FRAME_DOF)[:, part]
        e = expected[frames].reshape(k, FRAME_DOF)[:, part]
        np.testing.assert_allclose(a, e, rtol=relative, atol=relative * float(e.abs().max()))
    a, e = actual[k * FRAME_DOF :], expected[k * FRAME_DOF :]
    np.testing.assert_allclose(a, e, rtol=relative, atol=relative * float(e.abs().max()))


def _at_the_prior(window: Any) -> Any:
    """The prior's gradient is by its own coordinates, which are the step's only at its origin."""
    prior, variables = window.problem.pose_prior, window.variables
    moved = replace(prior, T=variables.T, affine=variables.affine)
    return replace(window, problem=replace(window.problem, pose_prior=moved))


@pytest.mark.usefixtures("one_pixel")
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("huber", [1e6, 1.0])
def test_gradient_of_single_pixels_is_exact(algebra: Any, level: int, huber: float) -> None:
    """On ramps nothing is approximate but the finite difference; Huber's bend has a gradient."""
    noise = Noise(huber=huber, cutoff=1e7, pixel_cutoff=1e7)
    window = _at_the_prior(algebra.window(algebra.ramps, noise=noise))
    _, b = algebra.dense(window.linearise(level))
    _close(b, _numeric_gradient(window, algebra, level), 2e-6)


@pytest.mark.parametrize("level", [0, 1])
def test_gradient_of_patches(algebra: Any, cloud_window: Any, level: int) -> None:
    """Geometry is linearised at the patch's centre, 2 of 90 focal lengths from its rim.

    Summed over the points that costs 1 %; of a single point's depth, where the terms of one patch
    nearly cancel, 10 %.
    """
    window = _at_the_prior(cloud_window)
    _, b = algebra.dense(window.linearise(level))
    expected = _numeric_gradient(window, algebra, level)
    frames, numeric = (g[: 3 * FRAME_DOF].reshape(3, FRAME_DOF) for g in (b, expected))
    for part in (slice(0, 3), slice(3, 6)):
        assert _relative(frames[:, part], numeric[:, part]) < 0.02
    assert _relative(b[3 * FRAME_DOF :], expected[3 * FRAME_DOF :]) < 0.12


def _relative(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


@pytest.mark.parametrize("level", [0, 1])
def test_gradient_by_brightness_is_exact_for_patches(
    algebra: Any, cloud_window: Any, level: int
) -> None:
    window = _at_the_prior(cloud_window)
    expected = _numeric_gradient(window, algebra, level)[: 3 * FRAME_DOF].reshape(3, FRAME_DOF)
    actual = window.linearise(level).b.reshape(3, FRAME_DOF)
    np.testing.assert_allclose(actual[:, 6:], expected[:, 6:], rtol=1e-5, atol=1e-4)


def _residuals(window: Any, algebra: Any, step: Tensor) -> Tensor:
    """All weighted residuals (M,) after a step of all unknowns; half their square is the energy."""
    problem = window.problem
    variables = algebra.retracted(window.variables, step)
    photo = patch_residual(problem, patch_reference(problem, 0), variables, 0)
    corners, ok = corner_residual(problem, variables)
    offset = (variables.inverse_depth - problem.prior_depth) * problem.prior_information.sqrt()
    return torch.cat(
        [
            (photo.value * photo.weight.sqrt()).reshape(-1),
            (corners / problem.noise.pixel * ok[..., None]).reshape(-1),
            offset.reshape(-1),
        ]
    )


@pytest.mark.usefixtures("one_pixel")
def test_hessian_is_that_of_gauss_and_newton(algebra: Any, ramp_window: Any) -> None:
    """All blocks at once: J^T J with J by finite differences of every residual."""
    zero = torch.zeros(3 * FRAME_DOF + 30, dtype=torch.float64)
    columns = []
    for i in range(len(zero)):
        step = zero.clone()
        step[i] = 1e-6
        plus, minus = (_residuals(ramp_window, algebra, s) for s in (step, -step))
        columns.append((plus - minus) / 2e-6)
    J = torch.stack(columns, 1)
    H, _ = algebra.dense(ramp_window.linearise())
    H[: 3 * FRAME_DOF, : 3 * FRAME_DOF] -= ramp_window.problem.pose_prior.H
    size = H.diagonal().sqrt()
    scaled = (H - J.T @ J) / size[:, None] / size[None]
    assert float(scaled.abs().max()) < 1e-6


def test_hessian_is_symmetric_and_positive(algebra: Any, cloud_window: Any) -> None:
    H, _ = algebra.dense(cloud_window.linearise())
    np.testing.assert_allclose(H, H.T, atol=1e-9 * float(H.abs().max()))
    values = torch.linalg.eigvalsh(0.5 * (H + H.T))
    assert float(values[0]) > -1e-9 * float(values[-1])


def test_the_window_as_a_whole_is_free(cloud_window: Any) -> None:
    """Without a prior, moving all cameras together or changing all brightness changes nothing."""
    system = cloud_window.linearise()
    H = system.H - cloud_window.problem.pose_prior.H
    T = cloud_window.variables.T
    scale = float(H.diagonal().max())
    # A motion of the world by xi moves T_camera_world by adjoint(T) xi on the left.
    common = se3.adjoint(T).reshape(3, 6, 6)
    directions = torch.cat([common, torch.zeros(3, 2, 6, dtype=torch.float64)], 1).reshape(-1, 6)
    assert float((H @ directions).abs().max()) < 1e-9 * scale
    mixed = system.H_mixed.reshape(-1, 24) @ directions
    assert float(mixed.abs().max()) < 1e-9 * float(system.H_mixed.abs().max())


@pytest.mark.usefixtures("one_pixel")
def test_frozen_frames_keep_their_first_jacobians(ramp_window: Any) -> None:
    """On ramps the Hessian depends on the poses through geometry alone, so with all frames frozen
    it is that of the prior's linearisation point, wherever the frames are now."""
    problem, variables = ramp_window.problem, ramp_window.variables
    uses_first_estimate = replace(problem, uses_first_estimate=torch.ones(3, dtype=torch.bool))
    first = replace(ramp_window, variables=replace(variables, T=problem.pose_prior.T)).linearise()
    now = replace(ramp_window, problem=uses_first_estimate).linearise()
    free = ramp_window.linearise()
    size = float(first.H.abs().max())
    np.testing.assert_allclose(now.H, first.H, atol=1e-12 * size)
    np.testing.assert_allclose(now.H_mixed, first.H_mixed, rtol=1e-9, atol=1e-9)
    assert float((free.H - first.H).abs().max()) > 1e-5 * size
    # The residual is still that of the present estimate.
    assert float((now.b - free.b).abs().max()) < 0.05 * float(free.b.abs().max())


def test_one_host_alone_is_the_window_with_only_its_points(algebra: Any) -> None:
    """What marginalisation linearises costs one host instead of all of them."""
    window = algebra.window(algebra.clouds)
    problem, variables = window.problem, window.variables
    valid = torch.zeros_like(problem.valid)
    valid[1] = True
    whole = replace(window, problem=replace(problem, valid=valid)).linearise()
    own = replace(variables, inverse_depth=variables.inverse_depth[1:2])
    alone = replace(window, problem=problem.only_host(1), variables=own).linearise()
    np.testing.assert_allclose(alone.H, whole.H, rtol=1e-10, atol=1e-6)
    np.testing.assert_allclose(alone.b, whole.b, rtol=1e-10, atol=1e-6)
    np.testing.assert_allclose(alone.H_mixed[0], whole.H_mixed[1], rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(alone.b_depth[0], whole.b_depth[1], rtol=1e-10, atol=1e-9)


def test_points_that_are_not_valid_bring_only_their_prior(ramp_window: Any) -> None:
    problem = ramp_window.problem
    valid = problem.valid.clone()
    valid[1] = False
    system = replace(ramp_window, problem=replace(problem, valid=valid)).linearise()
    assert not system.counts[1].any()
    assert system.counts[0, 1:].all()
    np.testing.assert_array_equal(system.H_depth[1], problem.prior_information[1])
    np.testing.assert_array_equal(system.H_mixed[1], torch.zeros_like(system.H_mixed[1]))
