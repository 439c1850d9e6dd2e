"""Paths of two ways of playing, compared with each other and with the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from denseba_ros.benchmark.gpu.played_path import PlayedPath, path_difference, path_error
from denseba_ros.geometry import se3
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Estimate, Tracking


def estimate(stamp_ns: int, step: list[float], is_keyframe: bool = False) -> Estimate:
    T = se3.exp(torch.tensor([step], dtype=torch.float64))[0].numpy()
    six = np.eye(6)
    return Estimate(
        stamp_ns, Tracking.TRACKING, T, six, np.zeros(6), six, None, is_keyframe, "", {}
    )


def circle(count: int = 8) -> list[Estimate]:
    angles = np.linspace(0.0, 4.0, count)
    steps = [[np.cos(a), np.sin(a), 0.1 * a, 0.0, 0.0, 0.0] for a in angles]
    return [estimate(1 + k, step) for k, step in enumerate(steps)]


def moved(one: Estimate, step: list[float]) -> Estimate:
    T = se3.exp(torch.tensor([step], dtype=torch.float64))[0].numpy()
    return replace(one, T_world_camera=one.T_world_camera @ T)


def test_the_largest_difference_of_one_image_counts() -> None:
    first, second = PlayedPath(circle()), PlayedPath(circle())
    assert path_difference(first, second) == (0.0, pytest.approx(0.0, abs=1e-9))
    second.estimates[5] = moved(second.estimates[5], [0.0, 0.03, 0.0, 0.0, 0.0, 0.0])
    second.estimates[6] = moved(second.estimates[6], [0.0, 0.0, 0.0, 0.02, 0.0, 0.0])
    metres, degrees = path_difference(first, second)
    assert metres == pytest.approx(0.03)
    assert degrees == pytest.approx(np.degrees(0.02))


def test_keyframes_are_left_out_and_another_state_is_another_path() -> None:
    first, second = PlayedPath(circle()), PlayedPath(circle())
    second.estimates[5] = replace(
        moved(second.estimates[5], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), is_keyframe=True
    )
    assert path_difference(first, second)[0] == 0.0
    second.estimates[5] = replace(second.estimates[5], tracking=Tracking.LOST)
    assert path_difference(first, second) == (np.inf, np.inf)


def test_the_error_is_that_of_the_tracked_images_after_alignment() -> None:
    played = PlayedPath(circle())
    truth = np.stack([2.0 * e.T_world_camera for e in played.estimates])
    stamps = np.array([e.stamp_ns for e in played.estimates])
    assert path_error(played, Trajectory(stamps, truth)) == pytest.approx(0.0, abs=1e-9)
    lost = replace(
        moved(played.estimates[4], [9.0, 0.0, 0.0, 0.0, 0.0, 0.0]), tracking=Tracking.LOST
    )
    played.estimates[4] = lost
    assert path_error(played, Trajectory(stamps, truth)) == pytest.approx(0.0, abs=1e-9)
    played.estimates[4] = replace(lost, tracking=Tracking.TRACKING)
    assert path_error(played, Trajectory(stamps, truth)) > 0.1
    assert np.isnan(path_error(PlayedPath(circle()[:2]), Trajectory(stamps, truth)))
