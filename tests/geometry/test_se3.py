"""SE(3) against SciPy's matrix exponential and rotations, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.geometry import se3

_COMPONENT = st.floats(-1.0, 1.0)
_DIRECTION = (
    st.tuples(_COMPONENT, _COMPONENT, _COMPONENT)
    .filter(lambda v: np.linalg.norm(v) > 0.1)
    .map(lambda v: np.array(v) / np.linalg.norm(v))
)
# Dense where formulas change: at zero, at the end of the series and just below pi.
_ANGLE = st.one_of(
    st.floats(0.0, 3.1),
    st.floats(0.0, 1e-3),
    st.sampled_from([0.0, 1e-12, 0.99e-4, 1.01e-4, math.pi - 1e-3]),
)
_TRANSLATION = st.tuples(*[st.floats(-50.0, 50.0)] * 3).map(np.array)


@st.composite
def _twists(draw: st.DrawFn) -> Tensor:
    rotation = draw(_ANGLE) * draw(_DIRECTION)
    return torch.from_numpy(np.concatenate([draw(_TRANSLATION), rotation]))


def _generator(xi: Tensor) -> np.ndarray:
    x = xi.numpy()
    top = np.column_stack([np.cross(np.eye(3), x[3:]), x[:3]])
    return np.vstack([top, np.zeros(4)])


@given(_twists())
@settings(deadline=None, max_examples=60)
def test_exp_is_the_matrix_exponential(xi: Tensor) -> None:
    expected = scipy.linalg.expm(_generator(xi))
    np.testing.assert_allclose(se3.exp(xi).numpy(), expected, rtol=1e-9, atol=1e-9)


@given(_twists())
@settings(deadline=None, max_examples=60)
def test_rotation_of_exp_is_scipys(xi: Tensor) -> None:
    expected = Rotation.from_rotvec(xi[3:].numpy()).as_matrix()
    np.testing.assert_allclose(se3.exp(xi)[:3, :3].numpy(), expected, atol=1e-12)


@given(_twists())
@settings(deadline=None, max_examples=60)
def test_log_undoes_exp(xi: Tensor) -> None:
    np.testing.assert_allclose(se3.log(se3.exp(xi)).numpy(), xi.numpy(), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("below", [1e-2, 1e-4, 1e-6])
def test_log_near_half_a_turn(below: float) -> None:
    """The axis comes out of a sine that goes to zero, so digits are lost with the distance."""
    axis = torch.tensor([0.6, -0.48, 0.64], dtype=torch.float64)
    xi = torch.cat([torch.tensor([1.0, 2.0, -3.0]).double(), (math.pi - below) * axis])
    np.testing.assert_allclose(se3.log(se3.exp(xi)), xi, atol=1e-13 / below + 1e-12)


@given(_twists(), _twists())
@settings(deadline=None, max_examples=60)
def test_adjoint_moves_a_perturbation_through(xi: Tensor, eta: Tensor) -> None:
    T, small = se3.exp(xi), 1e-2 * eta
    moved = T @ se3.exp(small) @ se3.inverse(T)
    expected = se3.exp(se3.adjoint(T) @ small)
    np.testing.assert_allclose(moved.numpy(), expected.numpy(), atol=1e-9)


@given(_twists())
@settings(deadline=None, max_examples=60)
def test_inverse(xi: Tensor) -> None:
    T = se3.exp(xi)
    np.testing.assert_allclose((T @ se3.inverse(T)).numpy(), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(se3.inverse(T).numpy(), np.linalg.inv(T.numpy()), atol=1e-10)


def test_batches_are_their_elements() -> None:
    xi = torch.randn(2, 3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    T = se3.exp(xi)
    assert T.shape == (2, 3, 4, 4)
    for function in (se3.log, se3.inverse, se3.adjoint, se3.orthonormalised):
        one_by_one = torch.stack([torch.stack([function(t) for t in row]) for row in T])
        np.testing.assert_allclose(function(T), one_by_one, atol=1e-14)


def test_gradient_of_exp_is_finite_at_zero() -> None:
    """L-BFGS differentiates through exp at a step of zero."""
    xi = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    jacobian = torch.autograd.functional.jacobian(se3.exp, xi)
    assert torch.isfinite(jacobian).all()
    np.testing.assert_allclose(jacobian[:3, 3, :3], np.eye(3))
    np.testing.assert_allclose(jacobian[2, 1, 3:], [1.0, 0.0, 0.0], atol=1e-12)


@given(_twists(), st.integers(0, 2**31 - 1))
@settings(deadline=None, max_examples=40)
def test_orthonormalised_is_the_nearest_rotation(xi: Tensor, seed: int) -> None:
    T = se3.exp(xi)
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=(3, 3))
    off = T.clone()
    off[:3, :3] += torch.from_numpy(noise)
    mended = se3.orthonormalised(off)
    R = mended[:3, :3].numpy()
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) > 0
    # SciPy projects onto SO(3) in the same norm.
    np.testing.assert_allclose(R, Rotation.from_matrix(off[:3, :3].numpy()).as_matrix(), atol=1e-9)
    np.testing.assert_array_equal(mended[:3, 3], T[:3, 3])


def test_many_products_stay_a_rotation_when_orthonormalised() -> None:
    step = se3.exp(torch.tensor([0.1, 0.0, 0.2, 0.3, -0.2, 0.1]).double()).float()
    T = torch.eye(4)
    for _ in range(2000):
        T = se3.orthonormalised(step @ T)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-5)


def test_rescaled_keeps_the_centre_and_grows_the_rest() -> None:
    T = se3.exp(torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))
    centres = se3.inverse(T)[:, :3, 3]
    middle = centres[2]
    grown = se3.rescaled(T, 2.5, middle)
    torch.testing.assert_close(grown[:, :3, :3], T[:, :3, :3])
    torch.testing.assert_close(
        se3.inverse(grown)[:, :3, 3], middle + 2.5 * (centres - middle), atol=1e-12, rtol=1e-12
    )


@pytest.mark.parametrize("degrees", [0.0, 1.1, 12.0, 90.0, 170.0])
def test_rotation_log_has_a_gradient_everywhere(degrees: float) -> None:
    twist = torch.zeros(6, dtype=torch.float64)
    twist[3:] = torch.tensor([0.6, 0.0, -0.8], dtype=torch.float64) * math.radians(degrees)
    R = se3.exp(twist)[:3, :3].requires_grad_()
    vector = se3.rotation_log(R)
    torch.testing.assert_close(vector, twist[3:], atol=1e-9, rtol=1e-9)
    vector.norm().backward()
    assert R.grad is not None
    assert bool(torch.isfinite(R.grad).all())


@pytest.mark.parametrize("angle", [2e-4, 1e-3, 5e-3, 0.1, 2.0])
def test_translation_of_small_rotations_is_exact_in_float32(angle: float) -> None:
    """(1 - cos x) / x^2 as a difference would be zero or off by tens of per cent here."""
    xi = torch.tensor([1.0, -2.0, 0.5, 0.6 * angle, 0.0, 0.8 * angle], dtype=torch.float64)
    expected = se3.exp(xi)[:3, 3] - xi[:3]
    single = se3.exp(xi.float()).double()[:3, 3] - xi[:3]
    torch.testing.assert_close(single, expected, rtol=0.0, atol=5e-7)


@given(st.lists(_twists(), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_compiled_batches_are_those_of_tensor_operations(twists: list[Tensor]) -> None:
    """A batch that shall have a gradient does not go through the loops."""
    xi = torch.stack(twists)
    T = se3.exp(xi)
    by_tensors = se3.exp(xi.clone().requires_grad_())
    assert by_tensors.requires_grad
    assert not T.requires_grad
    np.testing.assert_allclose(T, by_tensors.detach(), rtol=1e-12, atol=1e-11)
    logs = se3.log(T.clone().requires_grad_())
    assert logs.requires_grad
    np.testing.assert_allclose(se3.log(T), logs.detach(), rtol=1e-7, atol=1e-7)


def test_batches_may_have_more_dimensions_and_strides() -> None:
    xi = 0.3 * torch.randn(
        2, 3, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    T = se3.exp(xi[..., ::2])
    assert T.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(T[1, 2], se3.exp(xi[1, 2, ::2]), atol=1e-12)
    np.testing.assert_allclose(se3.log(T.transpose(0, 1))[2, 1], xi[1, 2, ::2], atol=1e-12)
    assert se3.log(T[:0]).shape == (0, 3, 6)
