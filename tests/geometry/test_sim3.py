"""Sim(3) against SciPy's matrix exponential, finite differences and SE(3) in torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denseba_ros.geometry import se3, sim3

Doubles = sim3.Doubles

_COMPONENT = st.floats(-1.0, 1.0)
_DIRECTION = (
    st.tuples(_COMPONENT, _COMPONENT, _COMPONENT)
    .filter(lambda v: np.linalg.norm(v) > 0.1)
    .map(lambda v: np.array(v) / np.linalg.norm(v))
)
# Dense where closed forms cancel: at zero, at small values and just below pi.
_ANGLE = st.one_of(
    st.floats(0.0, 3.1),
    st.floats(0.0, 1e-3),
    st.sampled_from([0.0, 1e-300, 1e-12, 1e-8, 1e-4, math.pi - 1e-3]),
)
_LOG_SCALE = st.one_of(
    st.floats(-3.0, 3.0), st.floats(-1e-3, 1e-3), st.sampled_from([0.0, 1e-300, -1e-12, 1e-8, 1e-4])
)
_TRANSLATION = st.tuples(*[st.floats(-50.0, 50.0)] * 3).map(np.array)
_EXAMPLES = settings(deadline=None, max_examples=60)


@st.composite
def _tangents(draw: st.DrawFn) -> Doubles:
    rotation = draw(_ANGLE) * draw(_DIRECTION)
    return np.concatenate([draw(_TRANSLATION), rotation, [draw(_LOG_SCALE)]])


def _generator(xi: Doubles) -> Doubles:
    turn = np.cross(np.eye(3), xi[3:6]) + xi[6] * np.eye(3)
    return np.vstack([np.column_stack([turn, xi[:3]]), np.zeros(4)])


@given(_tangents())
@_EXAMPLES
def test_exp_is_the_matrix_exponential(xi: Doubles) -> None:
    expected = scipy.linalg.expm(_generator(xi))
    np.testing.assert_allclose(sim3.exp(xi), expected, rtol=1e-9, atol=1e-9)


@given(_tangents())
@_EXAMPLES
def test_log_undoes_exp(xi: Doubles) -> None:
    np.testing.assert_allclose(sim3.log(sim3.exp(xi)), xi, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("log_scale", [8.0, -8.0, 20.0, -20.0])
def test_large_changes_of_scale(log_scale: float) -> None:
    xi = np.array([1.0, -2.0, 3.0, 1.0, 2.0, -2.0, log_scale])
    np.testing.assert_allclose(sim3.log(sim3.exp(xi)), xi, rtol=1e-8)


@pytest.mark.parametrize("below", [1e-2, 1e-4, 1e-8, 0.0])
@pytest.mark.parametrize("axis", [(0.6, -0.48, 0.64), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)])
def test_log_near_half_a_turn(below: float, axis: tuple[float, float, float]) -> None:
    xi = np.array([1.0, 2.0, -3.0, *((math.pi - below) * np.array(axis)), 0.1])
    found = sim3.log(sim3.exp(xi))
    if below:
        np.testing.assert_allclose(found, xi, atol=1e-7)
    # At pi itself both signs of the axis are the same turn.
    np.testing.assert_allclose(sim3.exp(found), sim3.exp(xi), atol=1e-12)


@given(_tangents(), _tangents())
@_EXAMPLES
def test_adjoint_moves_a_perturbation_through(xi: Doubles, eta: Doubles) -> None:
    S, small = sim3.exp(xi), 1e-2 * eta
    moved = S @ sim3.exp(small) @ sim3.inverse(S)
    expected = sim3.exp(sim3.adjoint(S) @ small)
    np.testing.assert_allclose(moved, expected, rtol=1e-8, atol=1e-8)


@given(_tangents())
@_EXAMPLES
def test_small_adjoint_is_the_logarithm_of_the_adjoint(xi: Doubles) -> None:
    expected = scipy.linalg.expm(sim3.small_adjoint(xi))
    np.testing.assert_allclose(sim3.adjoint(sim3.exp(xi)), expected, rtol=1e-8, atol=1e-8)


@given(_tangents())
@_EXAMPLES
def test_inverse(xi: Doubles) -> None:
    S = sim3.exp(xi)
    np.testing.assert_allclose(S @ sim3.inverse(S), np.eye(4), atol=1e-11)


def _differences(of: Doubles, from_left: bool, step: float = 1e-6) -> Doubles:
    columns = []
    for d in step * np.eye(7):
        ends = [
            sim3.log(sim3.exp(x) @ sim3.exp(of) if from_left else sim3.exp(of) @ sim3.exp(x))
            for x in (d, -d)
        ]
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.1, 1.0, 1.4])
@pytest.mark.parametrize("log_scale", [0.0, 1e-9, -0.05, 0.3])
def test_inverse_jacobians_are_the_finite_differences(angle: float, log_scale: float) -> None:
    xi = np.array([0.5, -1.0, 2.0, 0.6 * angle, 0.0, -0.8 * angle, log_scale])
    left = sim3.inverse_left_jacobian(xi)
    np.testing.assert_allclose(left, _differences(xi, True), atol=1e-7)
    right = sim3.inverse_left_jacobian(-xi)
    np.testing.assert_allclose(right, _differences(xi, False), atol=1e-7)


def test_inverse_jacobian_of_a_large_turn_is_nearly_right() -> None:
    xi = np.array([0.5, -1.0, 2.0, 0.6 * 3.0, 0.0, -0.8 * 3.0, 0.2])
    expected = _differences(xi, True)
    np.testing.assert_allclose(sim3.inverse_left_jacobian(xi), expected, atol=1e-3)


@given(_tangents())
@_EXAMPLES
def test_without_scale_it_is_se3(xi: Doubles) -> None:
    xi[6] = 0.0
    T, twist = sim3.exp(xi), torch.from_numpy(xi[:6])
    rigid = se3.exp(twist)
    np.testing.assert_allclose(T, rigid.numpy(), atol=1e-9)
    np.testing.assert_allclose(sim3.inverse(T), se3.inverse(rigid).numpy(), atol=1e-9)
    np.testing.assert_allclose(sim3.adjoint(T)[:6, :6], se3.adjoint(rigid).numpy(), atol=1e-9)
    np.testing.assert_allclose(sim3.log(T)[:6], se3.log(rigid).numpy(), rtol=1e-6, atol=1e-6)


@given(_tangents())
@_EXAMPLES
def test_scale_and_pose_are_the_parts(xi: Doubles) -> None:
    S = sim3.exp(xi)
    np.testing.assert_allclose(np.log(sim3.scale(S)), xi[6], atol=1e-12)
    T = sim3.rigid(S)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(T[:3, 3], S[:3, 3])


def test_batches_are_their_elements() -> None:
    random = np.random.default_rng(1)
    xi = random.normal(size=(2, 3, 7))
    S = sim3.exp(xi)
    assert S.shape == (2, 3, 4, 4)
    for function in (sim3.log, sim3.inverse, sim3.adjoint, sim3.scale, sim3.normalised):
        one_by_one = np.array([[function(s) for s in row] for row in S])
        np.testing.assert_allclose(function(S), one_by_one, atol=1e-14)
    points = random.normal(size=(2, 3, 5, 3))
    expected = np.einsum("abij,abnj->abni", S[..., :3, :3], points) + S[..., None, :3, 3]
    np.testing.assert_allclose(sim3.apply(S, points), expected, atol=1e-14)


def test_normalised_takes_rounding_off() -> None:
    S = sim3.exp(np.array([1.0, 2.0, 3.0, 0.3, -0.2, 0.5, 0.4]))
    off = S + 1e-6 * np.random.default_rng(0).normal(size=(4, 4)) * (np.arange(4) < 3)[:, None]
    mended = sim3.normalised(off)
    R = mended[:3, :3] / sim3.scale(mended)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(mended, S, atol=1e-5)
