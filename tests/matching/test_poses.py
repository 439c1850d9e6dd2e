"""Relative and absolute poses from matches of which many are wrong."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from denseba_ros.benchmark.solvers.minimal_problems import moved, random_motions, seen_points
from denseba_ros.geometry import se3
from denseba_ros.matching.absolute_pose import absolute_pose
from denseba_ros.matching.relative_pose import relative_pose

_NOISE = 1e-3
_POINTS, _WRONG = 200, 120


def scene(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Points, places in both images with noise (60 % of the second wrong), T, which are right."""
    generator = torch.Generator().manual_seed(seed)
    T = random_motions(generator, 1, 0.2)
    X = seen_points(generator, 1, _POINTS)
    Y = moved(T, X)
    first, second = (P[0, :, :2] / P[0, :, 2:] for P in (X, Y))
    second = second + _NOISE * torch.randn(second.shape, generator=generator, dtype=torch.float64)
    second[:_WRONG] = second[:_WRONG].roll(7, 0)
    right = torch.arange(_POINTS) >= _WRONG
    return X[0], first, second, T[0], right


def angles(T: Tensor, truth: Tensor) -> tuple[float, float]:
    """Radians between the rotations and between the translations."""
    t, u = T[:3, 3], truth[:3, 3]
    shift = torch.atan2(torch.linalg.vector_norm(torch.linalg.cross(t, u)), t @ u)
    return float(torch.linalg.vector_norm(se3.log(T @ se3.inverse(truth))[3:])), float(shift)


@pytest.mark.slow
def test_relative_pose_with_sixty_percent_wrong() -> None:
    for seed in range(5):
        _, first, second, truth, right = scene(seed)
        generator = torch.Generator().manual_seed(0)
        found = relative_pose(first, second, torch.zeros(_POINTS), 1000, 4 * _NOISE, generator)
        assert found is not None
        turn, shift = angles(found.T_second_first, truth)
        assert turn < 0.005
        assert shift < 0.05
        assert float((found.inliers & right).sum()) > 0.9 * float(right.sum())


def test_absolute_pose_with_sixty_percent_wrong() -> None:
    for seed in range(5):
        points, _, places, truth, right = scene(seed)
        generator = torch.Generator().manual_seed(0)
        found = absolute_pose(points, places, torch.zeros(_POINTS), 200, 4 * _NOISE, generator)
        assert found is not None
        turn, _ = angles(found.T_camera_points, truth)
        assert turn < 0.003
        offset = found.T_camera_points[:3, 3] - truth[:3, 3]
        assert float(torch.linalg.vector_norm(offset)) < 0.01
        assert float((found.inliers & ~right).sum()) < 0.1 * _WRONG


@pytest.mark.slow
def test_weights_find_the_pose_with_few_samples() -> None:
    """Ten samples of which one in a hundred is clean by chance, nearly all by weight."""
    clean = 0
    for seed in range(5):
        _, first, second, truth, right = scene(seed)
        logits = torch.where(right, 3.0, -3.0)
        generator = torch.Generator().manual_seed(0)
        found = relative_pose(first, second, logits, 10, 4 * _NOISE, generator)
        assert found is not None
        clean += angles(found.T_second_first, truth)[0] < 0.005
    assert clean == 5


def test_the_same_generator_gives_the_same_pose() -> None:
    _, first, second, _, _ = scene(0)
    poses = [
        relative_pose(
            first, second, torch.zeros(_POINTS), 50, 4 * _NOISE, torch.Generator().manual_seed(1)
        )
        for _ in range(2)
    ]
    assert poses[0] is not None
    assert poses[1] is not None
    assert torch.equal(poses[0].T_second_first, poses[1].T_second_first)


def test_too_few_matches_give_no_pose() -> None:
    few = torch.zeros(3, 2, dtype=torch.float64)
    generator = torch.Generator()
    assert relative_pose(few, few, torch.zeros(3), 10, 1e-3, generator) is None
    assert absolute_pose(torch.zeros(3, 3), few, torch.zeros(3), 10, 1e-3, generator) is None
