"""Judging pose models: what is measured, and what the shipped weights reach."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.errors import SequenceError
from denseba_ros.frontend.frame import Motion
from denseba_ros.frontend.pose.pose_model import make_pose_model
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.training.pose.pose_evaluation import evaluate_pose
from denseba_ros.training.pose.pose_trajectories import read_trajectories
from denseba_ros.training.streaming.image_reader import ImageReader
from denseba_ros.training.streaming.trajectory_stream import ImageTrajectory


def turning(folder: Path, degrees: list[float]) -> ImageTrajectory:
    """The room's images with poses that turn about y by ``degrees`` from one to the next."""
    angles = np.cumsum([0.0, *degrees])
    T = np.tile(np.eye(4), (len(angles), 1, 1))
    T[:, :3, :3] = Rotation.from_euler("y", angles[:, None], degrees=True).as_matrix()
    files = sorted((folder / "images").iterdir())[: len(angles)]
    camera = Calibration(80, 80, 60.0, 60.0, 39.5, 39.5)
    return ImageTrajectory([str(f) for f in files], T, camera)


class OneDegree:
    """Says a turn of one degree about y, whatever it sees."""

    def step(self, image: Tensor, calibration: Calibration) -> Motion | None:
        T = torch.eye(4, dtype=torch.float64)
        T[:3, :3] = torch.from_numpy(Rotation.from_euler("y", 1.0, degrees=True).as_matrix())
        return Motion(T, torch.eye(6, dtype=torch.float64))

    def reset(self) -> None:
        pass


def test_errors_are_those_of_the_rotations(rgbd_folder: Path) -> None:
    report = evaluate_pose(OneDegree(), [turning(rgbd_folder, [1.0, 2.0, 4.0, 3.0])], ImageReader())
    # The third and the fourth pair have two before them.
    assert report["pairs"] == 2
    assert report["rotation"] == pytest.approx((3.0 + 2.0) / 2, abs=1e-6)
    assert report["constant_velocity"] == pytest.approx((2.0 + 1.0) / 2, abs=1e-6)
    assert report["still"] == pytest.approx(3.5, abs=1e-6)


class Forward:
    """Says a metre ahead with deviations of 0.1 m and 0.02 rad, or nothing at all."""

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent

    def step(self, image: Tensor, calibration: Calibration) -> Motion | None:
        T = torch.eye(4, dtype=torch.float64)
        T[2, 3] = 1.0
        variances = torch.tensor([0.1**2] * 3 + [0.02**2] * 3, dtype=torch.float64)
        return None if self._silent else Motion(T, torch.diag(variances))

    def reset(self) -> None:
        pass


def test_translations_and_deviations_are_evaluated(rgbd_folder: Path) -> None:
    trajectory = turning(rgbd_folder, [0.0, 0.0, 0.0, 0.0])
    trajectory.T_world_camera[:, 2, 3] = [0.0, 1.0, 2.0, 3.2, 4.4]
    trajectory.T_world_camera[:, 0, 3] = [0.0, 0.0, 0.0, 0.0, 1.2]
    report = evaluate_pose(Forward(), [trajectory], ImageReader())
    missed = [0.2, float(np.hypot(0.2, 1.2))]
    assert report["translation"] == pytest.approx(np.mean(missed))
    assert report["translation_constant_velocity"] == pytest.approx((0.2 + 1.2) / 2)
    assert report["translation_still"] == pytest.approx((1.2 + np.hypot(1.2, 1.2)) / 2)
    assert report["direction"] == pytest.approx((0.0 + 45.0) / 2)
    assert report["translation_nees"] == pytest.approx(np.mean(np.square(missed)) / 0.1**2)
    assert report["rotation_nees"] == pytest.approx(0.0, abs=1e-9)


def test_rotations_count_by_their_deviation(rgbd_folder: Path) -> None:
    trajectory = turning(rgbd_folder, [0.0, 0.0, 2.0, 0.0])
    report = evaluate_pose(Forward(), [trajectory], ImageReader())
    assert report["rotation_nees"] == pytest.approx((np.radians(2.0) / 0.02) ** 2 / 2)


def test_without_a_prediction_the_motion_is_the_identity(rgbd_folder: Path) -> None:
    report = evaluate_pose(Forward(silent=True), [turning(rgbd_folder, [1.0] * 4)], ImageReader())
    assert report["rotation"] == pytest.approx(1.0)
    assert "rotation_nees" not in report
    assert "direction" not in report


def test_too_short_to_evaluate_with(rgbd_folder: Path) -> None:
    with pytest.raises(SequenceError, match="long enough"):
        evaluate_pose(OneDegree(), [turning(rgbd_folder, [1.0])], ImageReader())


def test_shipped_weights_on_images_left_out(sequence_dir: Callable[[str], Path]) -> None:
    """A hundred images of the half of redkitchen that was not trained on: better than to expect
    the last rotation again (the model card has the whole half)."""
    rest = read_trajectories(sequence_dir("7scenes_redkitchen_seq01"), None, 0.5, 0.6)
    model = make_pose_model("network", torch.device("cpu"))
    report = evaluate_pose(model, rest, ImageReader())
    assert report["pairs"] == 97
    assert report["rotation"] < 0.8 * report["constant_velocity"]
