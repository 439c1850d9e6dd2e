"""When the shape of a window is its own."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.slam.mapping.local_map import LocalMap
from tests.scaled_keyframe import CAMERA, keyframe


@pytest.mark.parametrize(("sigma", "is_known"), [(0.05, True), (0.2, False)])
def test_a_full_window_of_known_points_has_parallax(sigma: float, is_known: bool) -> None:
    keyframes = [keyframe(number, 1.0) for number in range(3)]
    points = keyframes[-1].points
    points.relative_sigma = torch.full_like(points.relative_sigma, sigma)
    assert LocalMap(CAMERA, keyframes).has_parallax(3) is is_known
    assert not LocalMap(CAMERA, keyframes).has_parallax(4)


def test_a_keyframe_without_points_has_none() -> None:
    one = keyframe(0, 1.0)
    one.points.valid = torch.zeros_like(one.points.valid)
    assert not LocalMap(CAMERA, [one]).has_parallax(1)
