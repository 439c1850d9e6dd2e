"""Camera poses from three points."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812

from denseba_ros.benchmark.solvers.minimal_problems import moved, nearest, p3p_problems
from denseba_ros.solvers.p3p import p3p


def test_the_true_pose_is_among_the_solutions() -> None:
    problems = p3p_problems(5000)
    _, distance = nearest(p3p(*problems.data), problems.truth)
    assert float((distance < 1e-6).double().mean()) > 0.999
    assert float(distance.median()) < 1e-13


def test_every_solution_sees_the_points_along_the_rays() -> None:
    X, rays = p3p_problems(1000).data
    T, ok = p3p(X, rays)
    sample = ok.nonzero()[:, 0]
    seen = F.normalize(moved(T[ok], X[sample]), dim=-1)
    torch.testing.assert_close(seen, F.normalize(rays[sample], dim=-1), rtol=0, atol=1e-7)
    turned = T[ok][:, :3, :3]
    eye = torch.eye(3, dtype=torch.float64).expand_as(turned)
    torch.testing.assert_close(turned @ turned.mT, eye, rtol=0, atol=1e-9)


def test_points_behind_the_camera_are_no_solution() -> None:
    X, rays = p3p_problems(100).data
    T, ok = p3p(X, rays)
    sample = ok.nonzero()[:, 0]
    assert bool(((moved(T[ok], X[sample]) * rays[sample]).sum(-1) > 0).all())
