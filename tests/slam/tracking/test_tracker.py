"""Direct alignment against a keyframe of exact depth recovers the motion of the room's camera."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from denseba_ros.backend.point_selection import select_points
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.backend.window import Points
from denseba_ros.frontend.features.optical_flow import detect_corners
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid, sample
from denseba_ros.slam.tracking import tracker as tracker_module
from denseba_ros.slam.tracking.alignment_terms_cpu import FusedTerms
from denseba_ros.slam.tracking.alignment_terms_torch import Photometric
from denseba_ros.slam.tracking.corner_tracking import CornerTracker
from denseba_ros.slam.tracking.reference import Corners, CurrentView, Reference
from denseba_ros.slam.tracking.tracker import Alignment, Tracker, frame_information

_CORNERS = 200
_LATER = 12
_NO_CHANGE = torch.zeros(2, dtype=torch.float64)


class _Setup:
    """A reference of exact depth at frame 0, and the images after it."""

    def __init__(self, room: Any) -> None:
        self.room = room
        self.camera = Pinhole.from_calibration(room.sequence.calibration)
        self.tracker = Tracker(self.camera, (3, 2, 1), 8, Noise(intensity=8.0))
        pyramid, grey = self.pyramid(0), self.grey(0)
        corners = torch.from_numpy(detect_corners(grey, _CORNERS))
        pixels, used = select_points(pyramid, corners, _CORNERS, 900)
        inverse = torch.from_numpy(1.0 / room.sequence.depth(0))[None, None]
        depth = sample(inverse, pixels[None])[0, 0]
        sigma = torch.full_like(depth, 0.02)
        points = Points(pixels, depth, sigma, used, depth, depth, _CORNERS)
        self.reference: Reference = self.tracker.reference(points, pyramid, _NO_CHANGE)
        self.corners = CornerTracker(self.camera, grey, self.reference, _CORNERS)
        self.no_corners = Corners(pixels[:_CORNERS], torch.zeros(_CORNERS, dtype=torch.bool))

    def pyramid(self, index: int) -> list[Tensor]:
        return build_pyramid(torch.from_numpy(self.room.images[index]).float()[None, None], 5)

    def grey(self, index: int) -> Grey:
        return Grey.from_pyramid(self.pyramid(index))

    def true(self, index: int) -> Tensor:
        """T_current_reference."""
        pose = self.room.sequence.pose
        return torch.from_numpy(np.linalg.inv(pose(index)) @ pose(0))

    def error(self, T: Tensor, index: int) -> tuple[float, float]:
        """Metres and degrees."""
        off = se3.log(T @ se3.inverse(self.true(index)))
        return float(off[:3].norm()), float(torch.rad2deg(off[3:].norm()))


@pytest.fixture(scope="module")
def setup(room: Any) -> _Setup:
    return _Setup(room)


def _align(setup: _Setup, index: int, corners: Corners, T: Tensor) -> Alignment:
    return setup.tracker.align(
        setup.reference, CurrentView(setup.pyramid(index), corners), T, _NO_CHANGE
    )


@pytest.mark.parametrize("index", [3, _LATER])
def test_motion_is_recovered_from_a_near_initial_guess(setup: _Setup, index: int) -> None:
    """Photometry alone, from 2 cm and half a degree off."""
    step = torch.tensor([0.01, -0.01, 0.014, 0.005, -0.005, 0.005]).double()
    start = se3.exp(step) @ setup.true(index)
    alignment = _align(setup, index, setup.no_corners, start)
    metres, degrees = setup.error(alignment.T, index)
    assert metres < 0.003
    assert degrees < 0.05
    assert alignment.inliers > 0.8
    assert alignment.visible > 0.8


def test_a_measured_turn_is_weighed_against_the_image(setup: _Setup) -> None:
    """A turn that is off by two degrees: without weight, and with all of it."""
    off = Rotation.from_rotvec([0.0, np.radians(2.0), 0.0]).as_matrix()
    R = off @ setup.true(3)[:3, :3].numpy()
    view = CurrentView(setup.pyramid(3), setup.no_corners)
    for sigma, least, most in ((10.0, 0.0, 0.05), (1e-6, 1.9, 2.1)):
        turn = MeasuredTurn(R, sigma)
        start = setup.true(3)
        alignment = setup.tracker.align(setup.reference, view, start, _NO_CHANGE, turn)
        assert least <= setup.error(alignment.T, 3)[1] < most


def test_corners_alone_converge_from_a_distant_pose(setup: _Setup) -> None:
    corners = setup.corners.track(setup.grey(_LATER), torch.eye(4).double())
    assert int(corners.ok.sum()) > 0.5 * _CORNERS
    T = setup.tracker.align_corners(setup.reference, corners, torch.eye(4).double())
    metres, degrees = setup.error(T, _LATER)
    assert metres < 0.01
    assert degrees < 0.15
    pnp = setup.corners.pose_from_corners(corners)
    assert pnp is not None
    metres, degrees = setup.error(pnp, _LATER)
    assert metres < 0.03
    assert degrees < 0.5


def test_both_together_count_their_inliers(setup: _Setup) -> None:
    corners = setup.corners.track(setup.grey(_LATER), torch.eye(4).double())
    alignment = _align(setup, _LATER, corners, torch.eye(4).double())
    metres, _ = setup.error(alignment.T, _LATER)
    assert metres < 0.003
    assert alignment.corner_inliers > 0.8 * int(corners.ok.sum())
    assert alignment.flow > 3.0


def test_brightness_change_is_recovered(setup: _Setup) -> None:
    """The current image is 20 % brighter and 10 grey levels darker in all."""
    pyramid = [level.clone() for level in setup.pyramid(3)]
    for level in pyramid:
        level *= 1.2
        level[:, :1] -= 10.0
    start = setup.tracker.align(
        setup.reference, CurrentView(setup.pyramid(3), setup.no_corners), setup.true(3), _NO_CHANGE
    )
    changed = setup.tracker.align(
        setup.reference, CurrentView(pyramid, setup.no_corners), setup.true(3), _NO_CHANGE
    )
    a, b = changed.affine
    a0, b0 = start.affine
    grey = 128.0
    expected = 1.2 * (float(a0.exp()) * grey + float(b0)) - 10.0
    assert float(a.exp()) * grey + float(b) == pytest.approx(expected, abs=2.0)
    assert float(a - a0) == pytest.approx(np.log(1.2), abs=0.05)
    metres, degrees = setup.error(changed.T, 3)
    assert metres < 0.004
    assert degrees < 0.05


def test_brightness_that_no_point_shows_is_that_of_the_keyframe(setup: _Setup) -> None:
    """The prior alone decides: wherever the brightness begins, its step leads all the way."""
    levels = {
        n: replace(level, usable=torch.zeros_like(level.usable))
        for n, level in setup.reference.levels.items()
    }
    keyframes = torch.tensor([0.1, -4.0], dtype=torch.float64)
    blind = replace(setup.reference, affine=keyframes, levels=levels)
    view = CurrentView(setup.pyramid(3), setup.no_corners)
    start = torch.tensor([0.4, 11.0], dtype=torch.float64)
    found = setup.tracker.align(blind, view, setup.true(3), start)
    np.testing.assert_allclose(found.affine, keyframes, atol=1e-4)


def test_brightness_is_a_compromise_of_points_and_prior(setup: _Setup) -> None:
    """Where two images differ by a gain and an offset that a few points of one brightness cannot
    tell apart, both change in proportion to their variances: the prior's ridge regression."""
    count = 60
    valid = torch.zeros_like(setup.reference.valid)
    inner = (setup.reference.pixels - torch.tensor([240.0, 180.0])).abs().amax(-1) < 120.0
    valid[inner.nonzero()[:count, 0]] = True
    grey, brighter = 100.0, 6.0
    levels = {
        n: replace(
            level,
            brightness=torch.full_like(level.brightness, grey),
            gradient_weight=torch.ones_like(level.gradient_weight),
            usable=valid,
        )
        for n, level in setup.reference.levels.items()
    }
    flat = replace(setup.reference, levels=levels, affine=_NO_CHANGE)
    pyramid = [torch.zeros_like(level) for level in setup.pyramid(3)]
    for level in pyramid:
        level[:, 0] = grey + brighter
    found = setup.tracker.align(
        flat, CurrentView(pyramid, setup.no_corners), torch.eye(4).double(), _NO_CHANGE
    )
    variance = np.array([0.3, 15.0]) ** 2
    J = np.array([grey, 1.0])
    noise = setup.tracker.noise.intensity**2 / count
    expected = variance * J * brighter / (J @ (variance * J) + noise)
    np.testing.assert_allclose(found.affine, expected, rtol=0.05)


class _Uphill(FusedTerms):
    """Sums whose gradients are turned round, so that steps climb."""

    def photometric(self, T: Any, affine: Any, level: int) -> Photometric:
        right = super().photometric(T, affine, level)
        return replace(right, b=-right.b)


def test_a_step_that_raises_the_energy_is_refused(
    setup: _Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.tensor([0.01, -0.01, 0.014, 0.005, -0.005, 0.005]).double()
    start = se3.exp(step) @ setup.true(3)
    monkeypatch.setattr(tracker_module, "FusedTerms", _Uphill)
    found = _align(setup, 3, setup.no_corners, start)
    assert torch.equal(found.T, start)
    assert torch.equal(found.affine, _NO_CHANGE)


def test_information_of_the_pose_is_that_of_its_marginal() -> None:
    """The inverse of the pose's block of the whole covariance: not knowing the brightness makes the
    pose less certain."""
    root = np.random.default_rng(0).normal(size=(8, 8))
    H = torch.from_numpy(root @ root.T)
    eye = torch.eye(4).double()
    alignment = Alignment(eye, _NO_CHANGE, H, 1.0, 1.0, 1.0, 0, 0.0)
    expected = np.linalg.inv(np.linalg.inv(H.numpy())[:6, :6])
    np.testing.assert_allclose(frame_information(alignment), expected, rtol=1e-6)


def test_information_is_positive_and_grows_with_certainty_of_depth(setup: _Setup) -> None:
    information = frame_information(_align(setup, 3, setup.no_corners, setup.true(3)))
    assert float(torch.linalg.eigvalsh(information)[0]) > 0.0
    unsure = replace(setup.reference, relative_sigma=setup.reference.relative_sigma * 10)
    vague = setup.tracker.align(
        unsure, CurrentView(setup.pyramid(_LATER), setup.no_corners), setup.true(_LATER), _NO_CHANGE
    )
    sure = _align(setup, _LATER, setup.no_corners, setup.true(_LATER))
    assert float(vague.H[:6, :6].trace()) < 0.8 * float(sure.H[:6, :6].trace())


def test_another_scene_does_not_fit(setup: _Setup) -> None:
    upside_down = np.ascontiguousarray(setup.room.images[3][::-1, ::-1])
    pyramid = build_pyramid(torch.from_numpy(upside_down).float()[None, None], 5)
    eye = torch.eye(4).double()
    corners = setup.corners.track(Grey.from_pyramid(pyramid), eye)
    alignment = setup.tracker.align(setup.reference, CurrentView(pyramid, corners), eye, _NO_CHANGE)
    right = _align(setup, 3, setup.corners.track(setup.grey(3), eye), eye)
    assert alignment.inliers < right.inliers - 0.1
    assert alignment.corner_inliers < 10 < 0.5 * right.corner_inliers


def test_no_valid_points_stay_finite(setup: _Setup) -> None:
    levels = {
        n: replace(level, usable=torch.zeros_like(level.usable))
        for n, level in setup.reference.levels.items()
    }
    nothing = replace(setup.reference, valid=torch.zeros_like(setup.reference.valid), levels=levels)
    alignment = setup.tracker.align(
        nothing, CurrentView(setup.pyramid(3), setup.no_corners), torch.eye(4).double(), _NO_CHANGE
    )
    assert torch.isfinite(alignment.T).all()
    assert alignment.visible == 0.0
    assert alignment.inliers == 0.0


def test_too_few_corners_have_no_pose(setup: _Setup) -> None:
    assert setup.corners.pose_from_corners(setup.no_corners) is None
