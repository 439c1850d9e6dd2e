"""Relative pose and depth of corners seen in two images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from denseba_ros.frontend.two_view.two_view_geometry import UNDECIDED, two_view

_K = np.array([[262.0, 0.0, 159.5], [0.0, 262.0, 119.5], [0.0, 0.0, 1.0]])


def _scene(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (M, 2) of the first view and their depths (M,), 1 to 5 m."""
    rng = np.random.default_rng(seed)
    return rng.uniform([10, 10], [310, 230], (count, 2)), rng.uniform(1.0, 5.0, count)


def _seen(pixels: np.ndarray, depth: np.ndarray, T: np.ndarray) -> np.ndarray:
    X = np.linalg.inv(_K) @ np.column_stack([pixels, np.ones(len(pixels))]).T * depth
    x = _K @ (T[:3, :3] @ X + T[:3, 3:])
    return (x[:2] / x[2]).T


def _motion(translation: list[float], rotation: list[float]) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(rotation).as_matrix()
    T[:3, 3] = translation
    return T


@pytest.mark.parametrize("translation", [[0.3, 0.0, 0.0], [0.1, -0.1, 0.25], [0.0, 0.2, -0.1]])
def test_pose_and_depth_are_recovered_up_to_scale(translation: list[float]) -> None:
    T = _motion(translation, [0.02, -0.05, 0.03])
    first, depth = _scene(150)
    noise = np.random.default_rng(1).normal(scale=0.2, size=first.shape)
    second = _seen(first, depth, T) + noise
    solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 1.0)
    assert solution is not None, reason
    assert reason == ""
    baseline = float(np.linalg.norm(translation))
    turn = Rotation.from_matrix(solution.T_second_first[:3, :3].T @ T[:3, :3]).magnitude()
    assert np.degrees(turn) < 0.3
    direction = solution.T_second_first[:3, 3]
    assert np.linalg.norm(direction) == pytest.approx(1.0)
    assert np.degrees(np.arccos(direction @ T[:3, 3] / baseline)) < 2.0
    assert solution.ok.mean() > 0.6
    error = np.abs(solution.depth[solution.ok] * baseline / depth[solution.ok] - 1)
    assert np.median(error) < 0.02


def test_outliers_are_not_ok() -> None:
    T = _motion([0.3, 0.0, 0.05], [0.0, 0.02, 0.0])
    first, depth = _scene(200)
    second = _seen(first, depth, T)
    second[:50] = np.random.default_rng(2).uniform([10, 10], [310, 230], (50, 2))
    solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 1.0)
    assert solution is not None, reason
    assert solution.ok[:50].mean() < 0.2
    assert solution.ok[50:].mean() > 0.9


def test_pure_rotation_has_no_depth() -> None:
    first, depth = _scene(150)
    second = _seen(first, depth, _motion([0.0, 0.0, 0.0], [0.01, 0.08, 0.0]))
    noise = np.random.default_rng(3).normal(scale=0.2, size=first.shape)
    solution, reason = two_view(
        first.astype(np.float32), (second + noise).astype(np.float32), _K, 1.0
    )
    assert solution is None
    assert reason


def test_standing_still_has_no_depth() -> None:
    first, _ = _scene(150)
    noise = np.random.default_rng(4).normal(scale=0.1, size=first.shape)
    solution, reason = two_view(
        first.astype(np.float32), (first + noise).astype(np.float32), _K, 1.0
    )
    assert solution is None
    assert reason


def test_far_scenes_are_refused_with_their_parallax() -> None:
    T = _motion([0.04, 0.0, 0.0], [0.0, 0.0, 0.0])
    first, depth = _scene(150)
    second = _seen(first, 1.5 * depth, T)
    solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 1.0)
    assert solution is None
    assert "parallax" in reason


@pytest.mark.parametrize("count", [0, 5, 39])
def test_too_few_corners_are_named(count: int) -> None:
    points = np.zeros((count, 2), np.float32)
    solution, reason = two_view(points, points, _K, 1.0)
    assert solution is None
    assert f"only {count} corners" in reason


def test_random_pairs_have_no_pose() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.uniform([0, 0], [320, 240], (2, 150, 2)).astype(np.float32)
    solution, reason = two_view(first, second, _K, 1.0)
    assert solution is None
    assert reason


def test_the_same_input_gives_the_same_solution() -> None:
    first, depth = _scene(150)
    second = _seen(first, depth, _motion([0.3, 0.0, 0.0], [0.0, 0.05, 0.0])).astype(np.float32)
    solutions = [two_view(first.astype(np.float32), second, _K, 1.0)[0] for _ in range(2)]
    assert solutions[0] is not None
    assert solutions[1] is not None
    np.testing.assert_array_equal(solutions[0].T_second_first, solutions[1].T_second_first)
    np.testing.assert_array_equal(solutions[0].depth, solutions[1].depth)


def _wall(pixels: np.ndarray, slant: tuple[float, float], relief: float) -> np.ndarray:
    """Depths (M,) of a slanted wall 2 m away with so much relief, metres."""
    rays = np.linalg.inv(_K) @ np.column_stack([pixels, np.ones(len(pixels))]).T
    wall = 2.0 / (np.array([*slant, 1.0]) @ rays)
    return np.asarray(wall + relief * np.random.default_rng(6).uniform(-1, 1, len(pixels)))


@pytest.mark.parametrize(
    ("slant", "relief", "reason"),
    [((0.5, 0.2), 0.0, UNDECIDED), ((0.5, 0.2), 0.6, ""), ((0.0, 0.0), 0.0, "")],
    ids=["slanted wall", "with relief", "wall in front"],
)
def test_a_plane_that_two_motions_explain_is_refused(
    slant: tuple[float, float], relief: float, reason: str
) -> None:
    """The second motion that explains a wall in front sees it edge-on, behind half the camera."""
    first, _ = _scene(150)
    T = _motion([0.2, 0.02, 0.05 if any(slant) else 0.0], [0.0, 0.03, 0.0])
    noise = np.random.default_rng(7).normal(scale=0.2, size=first.shape)
    second = (_seen(first, _wall(first, slant, relief), T) + noise).astype(np.float32)
    solution, said = two_view(first.astype(np.float32), second, _K, 0.5)
    assert said == reason
    decided, said = two_view(first.astype(np.float32), second, _K, 0.5, decide=True)
    assert decided is not None, said
    if solution is not None:
        np.testing.assert_array_equal(solution.T_second_first, decided.T_second_first)
        assert decided.T_second_first[:3, 3] @ T[:3, 3] > 0.99 * np.linalg.norm(T[:3, 3])


def test_the_deviation_of_the_direction_falls_with_the_baseline() -> None:
    first, depth = _scene(150)
    sigmas = []
    for baseline in (0.05, 0.1, 0.2, 0.4):
        second = _seen(first, depth, _motion([baseline, 0.0, 0.0], [0.0, 0.02, 0.0]))
        solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 0.1)
        assert solution is not None, reason
        sigmas.append(solution.direction_sigma)
    assert (np.diff(sigmas) < 0).all()
    assert sigmas[0] > 4.0 * sigmas[-1]


def test_the_same_solution_serves_two_bounds_of_parallax() -> None:
    first, depth = _scene(150)
    second = _seen(first, depth**3, _motion([0.2, 0.0, 0.0], [0.0, 0.0, 0.0]))
    solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 0.01)
    assert solution is not None, reason
    farther, _ = solution.beyond(0.99 * solution.parallax)
    assert farther is not None
    assert farther.ok.sum() < solution.ok.sum()
    assert solution.beyond(1.01 * solution.parallax)[0] is None


def test_the_result_does_not_depend_on_the_hosts_random_generator_nor_change_it() -> None:
    T = _motion([0.3, 0.0, 0.05], [0.0, 0.02, 0.0])
    first, depth = _scene(200)
    second = _seen(first, depth, T)
    second[:50] = np.random.default_rng(2).uniform([10, 10], [310, 230], (50, 2))
    poses, draws = [], []
    for seed in (1, 2):
        cv2.setRNGSeed(seed)
        solution, _ = two_view(first.astype(np.float32), second.astype(np.float32), _K, 1.0)
        assert solution is not None
        poses.append(solution.T_second_first)
        draws.append(cv2.randu(np.zeros((1, 8)), 0.0, 1.0).copy())
        cv2.setRNGSeed(seed)
        assert np.array_equal(draws[-1], cv2.randu(np.zeros((1, 8)), 0.0, 1.0))
    assert np.array_equal(*poses)


def test_mismatches_of_nearly_half_the_corners_do_not_move_the_motion() -> None:
    """The minimum is sought over all corners: those that are 5 to 80 pixels off must not pull."""
    T = _motion([0.3, 0.05, 0.1], [0.01, 0.03, -0.02])
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        first, depth = _scene(100, seed)
        second = _seen(first, depth, T) + rng.normal(scale=0.2, size=first.shape)
        far = rng.uniform(5, 80, 42) * np.where(rng.random(42) < 0.7, 1, -1)
        second[:42] += far[:, None] * [np.cos(0.5), np.sin(0.5)]
        solution, reason = two_view(first.astype(np.float32), second.astype(np.float32), _K, 1.0)
        assert solution is not None, reason
        direction = T[:3, 3] @ solution.T_second_first[:3, 3] / np.linalg.norm(T[:3, 3])
        errors.append(np.degrees(np.arccos(direction)))
    assert max(errors) < 3.0, errors
