"""Corners of an earlier image in every later one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.initialisation import reference_view
from denseba_ros.slam.initialisation.approximate_pose import UNMOVED
from denseba_ros.slam.initialisation.coarse_rotation import rotated
from denseba_ros.slam.initialisation.reference_view import ReferenceView
from denseba_ros.slam.state.frame import Frame
from tests.slam.initialisation.turned_image import K, turned


def _yaw(degrees: float) -> np.ndarray:
    return np.asarray(Rotation.from_euler("y", degrees, degrees=True).as_matrix())


def _frame(image: np.ndarray) -> Frame:
    settings = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
    calibration = Calibration(320, 240, K[0, 0], K[1, 1], K[0, 2], K[1, 2])
    return Frame.prepare(Frontend(settings, calibration).process(0, image.astype(np.uint8)))


@pytest.fixture
def view() -> ReferenceView:
    return ReferenceView(_frame(turned(np.eye(3))), UNMOVED, 200)


def _error(view: ReferenceView, R: np.ndarray) -> float:
    """Median distance in pixels of the tracks from where a camera turned by ``R`` sees them."""
    first, second = view.matches
    return float(np.median(np.linalg.norm(rotated(first, R, K) - second, axis=1)))


def test_it_begins_with_all_its_corners_in_place(view: ReferenceView) -> None:
    assert view.tracked == 1.0
    assert 100 < len(view.corners) <= 200
    for pixels in view.matches:
        np.testing.assert_array_equal(pixels, view.corners)


def test_tracks_do_not_drift_over_many_images_and_only_what_leaves_the_view_is_lost(
    view: ReferenceView,
) -> None:
    errors, rng = [], np.random.default_rng(0)
    for k in range(1, 49):
        noise = rng.normal(0.0, 4.0, (240, 320))
        view.track(_frame(np.clip(turned(_yaw(0.5 * k)) + noise, 0.0, 255.0)).grey)
        errors.append(_error(view, _yaw(0.5 * k)))
    # Flow from the first image has the same error however many images lie between.
    assert max(errors) < 0.25
    # 24 of 63 degrees have gone.
    assert 0.35 < view.tracked < 0.75


def test_a_turn_that_flow_cannot_follow_is_tracked_from_how_the_camera_turned(
    view: ReferenceView, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = _frame(turned(_yaw(22.0))).grey
    view.track(turn)
    assert view.tracked > 0.35
    assert _error(view, _yaw(22.0)) < 0.3
    monkeypatch.setattr(reference_view, "coarse_rotation", lambda *_: None)
    without = ReferenceView(_frame(turned(np.eye(3))), UNMOVED, 200)
    without.track(turn)
    assert without.tracked < 0.5 * view.tracked


def test_another_scene_has_no_tracks_and_they_do_not_come_back(view: ReferenceView) -> None:
    view.track(_frame(turned(_yaw(0.0))[::-1, ::-1].copy()).grey)
    gone = view.tracked
    assert gone < 0.35
    view.track(_frame(turned(np.eye(3))).grey)
    assert view.tracked <= gone


def test_an_image_without_corners_has_none_to_track() -> None:
    view = ReferenceView(_frame(np.full((240, 320), 90.0)), UNMOVED, 200)
    assert view.tracked == 0.0
    view.track(_frame(turned(np.eye(3))).grey)
    assert view.tracked == 0.0
    assert torch.equal(view.pose.T, torch.eye(4, dtype=torch.float64))
