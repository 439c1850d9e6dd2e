from __future__ import annotations

import cv2
import numpy as np
import pytest

from denseba_ros.calibration.projection import NAMES, Projection, project
from denseba_ros.geometry.calibration import DistortionModel

CAMERA = {
    "plumb_bob": np.array([500.0, 510.0, 320.0, 240.0, -0.2, 0.05, 1e-3, -2e-3]),
    "equidistant": np.array([300.0, 305.0, 320.0, 240.0, 0.02, -0.01, 0.003, 0.001]),
}
ROTATION, TRANSLATION = np.array([0.1, -0.2, 0.05]), np.array([0.3, -0.1, 0.2])
POINTS = np.array([[0.5, 0.2, 3.0], [-1.0, 0.7, 4.0], [0.1, -0.9, 2.5]])
STEP = 1e-6


def at(model: DistortionModel, camera: np.ndarray, pose: np.ndarray, X: np.ndarray) -> Projection:
    return project(model, camera, pose[:3], pose[3:], X)


@pytest.mark.parametrize("model", sorted(NAMES))
def test_derivatives_are_those_of_differences(model: DistortionModel) -> None:
    pose = np.concatenate([ROTATION, TRANSLATION])
    seen = at(model, CAMERA[model], pose, POINTS)
    for k in range(8):
        step = STEP * np.eye(8)[k] * max(1.0, abs(CAMERA[model][k]))
        other = at(model, CAMERA[model] + step, pose, POINTS).pixels
        change = (other - seen.pixels) / step[k]
        np.testing.assert_allclose(seen.by_camera[..., k], change, rtol=1e-3, atol=1e-3)
    for k in range(6):
        other = at(model, CAMERA[model], pose + STEP * np.eye(6)[k], POINTS).pixels
        change = (other - seen.pixels) / STEP
        np.testing.assert_allclose(seen.by_pose[..., k], change, rtol=1e-3, atol=1e-2)
    for k in range(3):
        other = at(model, CAMERA[model], pose, POINTS + STEP * np.eye(3)[k]).pixels
        change = (other - seen.pixels) / STEP
        np.testing.assert_allclose(seen.by_point[..., k], change, rtol=1e-3, atol=1e-2)


def test_a_point_on_the_axis_is_the_principal_point() -> None:
    R = cv2.Rodrigues(ROTATION)[0]
    on_axis = R.T @ (np.array([0.0, 0.0, 2.0]) - TRANSLATION)
    seen = project("plumb_bob", CAMERA["plumb_bob"], ROTATION, TRANSLATION, on_axis[None])
    np.testing.assert_allclose(seen.pixels[0], [320.0, 240.0], atol=1e-9)
