"""Weighted rigid registration, and learning the weight of an outlier through it."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import moved, nearest, registration_problems
from denseba_ros.geometry import se3
from denseba_ros.solvers.registration import register, traced_register


def test_exact_points_give_the_motion() -> None:
    problems = registration_problems(200, number=3)
    p = problems.data[0]
    T, distance = nearest(register(p, moved(problems.truth, p)), problems.truth)
    assert float(distance.max()) < 1e-9
    assert T.shape == (200, 4, 4)


def test_weighted_rotation_agrees_with_scipy() -> None:
    p, q, w = registration_problems(20).data
    T = register(p, q, w).values[:, 0]
    for k in range(20):
        share = (w[k] / w[k].sum())[:, None]
        a, b = (p[k] - (share * p[k]).sum(0)).numpy(), (q[k] - (share * q[k]).sum(0)).numpy()
        expected, _ = Rotation.align_vectors(b, a, weights=w[k].numpy())
        np.testing.assert_allclose(T[k, :3, :3].numpy(), expected.as_matrix(), atol=1e-12)


def test_a_mirrored_cloud_still_gives_a_rotation() -> None:
    p = torch.randn(50, 6, 3, dtype=torch.float64)
    T, ok = register(p, p * torch.tensor([1.0, 1.0, -1.0]))
    assert bool((torch.det(T[:, 0, :3, :3])[ok[:, 0]] > 0).all())


def test_points_on_a_line_and_no_weight_are_refused() -> None:
    line = torch.linspace(0, 1, 4, dtype=torch.float64)[:, None] * torch.ones(3).double()
    cloud = torch.randn(4, 3, dtype=torch.float64)
    _, ok = register(
        torch.stack([line, cloud]),
        torch.stack([line, cloud]),
        torch.ones(2, 4) * torch.tensor([[1.0], [0.0]]),
    )
    assert not bool(ok.any())


def test_implicit_and_traced_gradients_agree() -> None:
    data = [d.requires_grad_() for d in registration_problems(100).data]
    weight = torch.randn(100, 1, 4, 4, dtype=torch.float64)
    implicit = torch.autograd.grad((register(*data).values * weight).sum(), data)
    traced = torch.autograd.grad((traced_register(*data).values * weight).sum(), data)
    for one, other in zip(implicit, traced, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def outlier_weights(iterations: int) -> Tensor:
    """The published toy experiment: three of four pairs are exact, and the weights that give the
    true rotation are learned through the solver from equal ones. Weights (iterations, 4)."""
    generator = torch.Generator().manual_seed(0)
    p = torch.randn(1, 4, 3, dtype=torch.float64, generator=generator)
    true = se3.exp(torch.tensor([[0.1, -0.2, 0.3, 0.4, -0.3, 0.5]], dtype=torch.float64))
    q = moved(true, p)
    q[:, 3] += torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    scores = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([scores], lr=1.0)
    history = []
    for _ in range(iterations):
        T = register(p, q, torch.softmax(scores, -1)).values[:, 0]
        loss = (T - true).square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(torch.softmax(scores, -1).detach()[0])
    return torch.stack(history)


def test_the_outlier_loses_its_weight_within_ten_iterations() -> None:
    weights = outlier_weights(10)
    assert float(weights[-1, 3]) < 0.01
    assert float(weights[-1, :3].min()) > 0.05
