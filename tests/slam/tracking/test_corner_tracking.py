"""Which of a keyframe's corners are tracked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid
from denseba_ros.slam.tracking.corner_tracking import CornerTracker

_CORNERS, _TRACKED = 500, 250


def test_half_of_many_corners_are_tracked_from_all_over_the_image() -> None:
    generator = torch.Generator().manual_seed(0)
    camera = Pinhole(200.0, 200.0, 159.5, 119.5, 320, 240)
    image = 255.0 * torch.rand(1, 1, 240, 320, generator=generator)
    grey = Grey.from_pyramid(build_pyramid(image, 5, plain=1))
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(25), indexing="ij")
    pixels = torch.stack([20.0 + 11.0 * columns, 20.0 + 10.0 * rows], -1).reshape(-1, 2)
    valid = torch.ones(_CORNERS, dtype=torch.bool)
    valid[:10] = False
    depth = torch.ones(_CORNERS)
    reference: Any = SimpleNamespace(
        pixels=pixels, valid=valid, rays=camera.rays(pixels), inverse_depth=depth
    )
    tracker = CornerTracker(camera, grey, reference, _CORNERS)
    corners = tracker.track(grey, torch.eye(4, dtype=torch.float64))
    assert int(corners.ok.sum()) == _TRACKED
    assert not corners.ok[:10].any()
    torch.testing.assert_close(corners.pixels[corners.ok], pixels[corners.ok], atol=0.01, rtol=0)
    # Each tenth of the rows has its share of them.
    for part in corners.ok[10:].split(49):
        assert 20 <= int(part.sum()) <= 30
