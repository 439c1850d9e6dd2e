"""Metres by the camera's height: when they are known, how well, and after the map changed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, DepthPrior, FrontendFrame
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.scale.height_scale import CameraMount, HeightScale
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from tests.scaled_keyframe import keyframe

CAMERA = Pinhole(50.0, 50.0, 31.5, 23.5, 64, 48)
DRIFT, STEP = 0.03, 0.25
SEEN = "denseba_ros.slam.scale.height_scale.height_over_ground"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Heights in the map that keyframes show, one after the other; the last one for good."""
    heights: list[float | None] = [0.5]

    def show(*_: Any) -> float | None:
        return heights.pop(0) if len(heights) > 1 else heights[0]

    monkeypatch.setattr(SEEN, show)
    return heights


def height_scale(updates: int) -> HeightScale:
    scale = HeightScale(CameraMount(1.5), DRIFT)
    for _ in range(updates):
        scale.update(CAMERA, [], STEP)
    return scale


def test_metres_are_known_after_some_planes(seen: list[float | None]) -> None:
    assert not height_scale(4).scale.is_known
    metric = height_scale(5).scale
    assert metric.factor == pytest.approx(3.0)
    assert metric.sigma == pytest.approx(0.05)


def test_a_wrong_plane_does_not_count_and_many_make_it_unsure(seen: list[float | None]) -> None:
    seen[:] = [0.5, 0.5, 0.9, 0.5, 0.5]
    assert height_scale(5).scale.factor == pytest.approx(3.0)
    seen[:] = [0.5, 0.3, 0.9, 0.6, 0.4]
    assert height_scale(5).scale.sigma > 0.2


def test_it_moves_with_the_map_and_is_forgotten_with_it(seen: list[float | None]) -> None:
    scale = height_scale(6)
    scale.rescale(math.log(2.0))
    assert scale.scale.factor == pytest.approx(1.5)
    scale.reset()
    assert not scale.scale.is_known


def test_the_farther_the_ground_was_seen_last_the_less_is_known(seen: list[float | None]) -> None:
    seen[:] = [*[0.5] * 6, None]
    sigma = height_scale(6 + 16).scale.sigma
    assert sigma == pytest.approx(math.hypot(0.05, DRIFT * math.sqrt(16 * STEP)))


def frame() -> FrontendFrame:
    """Of a depth model without a scale."""
    depth = DepthPrior.known(torch.zeros(1, 1, 12, 16), torch.full((1, 1, 12, 16), 1.0))
    calibration = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)
    return FrontendFrame(0, torch.zeros(1, 1, 48, 64), calibration, depth)


def test_the_filter_of_the_scale_has_it_but_corrects_no_drift_by_it(
    seen: list[float | None],
) -> None:
    scale = ScaleDriftFilter(DRIFT, CameraMount(1.5))
    assert UNKNOWN_DEPTH_SIGMA > 1.0
    for _ in range(6):
        assert scale.log_correction(CAMERA, [keyframe(0, 1.0), keyframe(1, 1.0)], frame()) == 0.0
    assert scale.scale.metric.factor == pytest.approx(3.0)
    assert not scale.is_metric
    scale.begin_map()
    assert not scale.scale.metric.is_known
