"""Rotations from flow, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.frontend.pose.rotational_flow import (
    rotated_rays,
    rotation_from_flow,
    rotational_jacobian,
)

_GENERATOR = torch.Generator().manual_seed(0)
RAYS = torch.rand(1, 60, 2, dtype=torch.float64, generator=_GENERATOR) * 1.6 - 0.8


def flow_of(vector: np.ndarray, depth: Tensor | None = None, move: Tensor | None = None) -> Tensor:
    """Change (1, N, 2) of ``RAYS`` in a camera that is turned by ``vector`` and moved."""
    R = torch.from_numpy(Rotation.from_rotvec(vector).as_matrix())
    points = torch.cat([RAYS, torch.ones_like(RAYS[..., :1])], -1)
    if depth is not None and move is not None:
        points = points * depth[..., None] - move
    # Points of the previous camera in the current one: R^T p, written for rows.
    seen = points @ R
    return seen[..., :2] / seen[..., 2:] - RAYS


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.floats(-0.08, 0.08)] * 3))
def test_a_pure_rotation_is_found(vector: tuple[float, float, float]) -> None:
    truth = np.array(vector)
    found = rotation_from_flow(RAYS, flow_of(truth), torch.ones(1, 60, dtype=torch.float64))
    # Two Gauss-Newton steps leave an error that grows with the cube of the turn.
    left = 0.15 * np.linalg.norm(truth) ** 3 + 1e-9
    np.testing.assert_allclose(found[0], truth, rtol=0.0, atol=left)


def test_weights_choose_the_far_points() -> None:
    """Half of the points are near and move by the translation, too: without weight they do not
    count."""
    truth = np.array([0.02, -0.05, 0.03])
    near = torch.arange(60)[None] % 2 == 0
    depth = torch.where(near, 2.0, 1e9).double()
    flow = flow_of(truth, depth, torch.tensor([0.3, 0.0, 0.1], dtype=torch.float64))
    even = rotation_from_flow(RAYS, flow, torch.ones(1, 60, dtype=torch.float64))
    chosen = rotation_from_flow(RAYS, flow, (~near).double())
    assert float((even[0] - torch.from_numpy(truth)).abs().max()) > 0.01
    np.testing.assert_allclose(chosen[0], truth, atol=1e-4)


def test_no_weight_is_no_rotation_and_gradients_are_finite() -> None:
    flow = (
        0.01 * torch.randn(1, 60, 2, dtype=torch.float64, generator=_GENERATOR)
    ).requires_grad_()
    weight = torch.zeros(1, 60, dtype=torch.float64, requires_grad=True)
    vector = rotation_from_flow(RAYS, flow, weight)
    assert not vector.any()
    vector.sum().backward()  # type: ignore[no-untyped-call]
    for leaf in (flow, weight):
        assert leaf.grad is not None
        assert bool(torch.isfinite(leaf.grad).all())


def test_gradients_agree_with_differences() -> None:
    flow = 0.02 * torch.randn(1, 60, 2, dtype=torch.float64, generator=_GENERATOR)
    weight = torch.rand(1, 60, dtype=torch.float64, generator=_GENERATOR)
    leaves = (flow.requires_grad_(), weight.requires_grad_())
    assert torch.autograd.gradcheck(lambda f, w: rotation_from_flow(RAYS, f, w), leaves)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_jacobian_is_the_derivative(axis: int) -> None:
    step = torch.zeros(1, 3, dtype=torch.float64)
    step[0, axis] = 1e-6
    numeric = (rotated_rays(RAYS, step) - rotated_rays(RAYS, -step)) / 2e-6
    torch.testing.assert_close(rotational_jacobian(RAYS)[..., axis], numeric, atol=1e-8, rtol=0)
