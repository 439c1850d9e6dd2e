"""Depth by search along the epipolar line, on the rendered room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.frontend.two_view.epipolar_search import Match, search
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid
from denseba_ros.sequences.room.synthetic_room import RoomSequence


@dataclass(frozen=True)
class _Views:
    camera: Pinhole
    images: Tensor
    T_target_host: Tensor
    inverse_depth: Tensor

    def search(self, pixels: Tensor, low: float, high: float) -> Match:
        n = len(pixels)
        return search(
            self.camera,
            self.images[:1],
            pixels,
            self.images[1:],
            self.T_target_host,
            torch.full((n,), low),
            torch.full((n,), high),
        )

    def true(self, pixels: Tensor) -> Tensor:
        x, y = pixels.long().unbind(-1)
        return self.inverse_depth[y, x]


@pytest.fixture(scope="module")
def views(sideways: RoomSequence) -> _Views:
    """A host and two targets up to 20 cm away."""
    indices = (0, 12, 24)
    images = [torch.from_numpy(sideways.image(i)).float()[None, None] for i in indices]
    poses = [np.linalg.inv(sideways.pose(i)) for i in indices]
    relative = [torch.from_numpy(p @ np.linalg.inv(poses[0])) for p in poses[1:]]
    return _Views(
        Pinhole.from_calibration(sideways.calibration),
        torch.cat([build_pyramid(image, 1)[0] for image in images]),
        torch.stack(relative),
        torch.from_numpy(1.0 / sideways.depth(0)),
    )


def _textured(views: _Views, count: int) -> Tensor:
    """Whole pixels (count, 2) of strongest gradient along x, the direction of the motion."""
    gradient = views.images[0, 1].abs().clone()
    gradient[:8] = gradient[-8:] = 0
    gradient[:, :30] = gradient[:, -30:] = 0
    index = gradient.flatten().topk(count).indices
    return torch.stack([index % gradient.shape[1], index // gradient.shape[1]], -1).float()


def test_depth_is_recovered_over_a_wide_range(views: _Views) -> None:
    pixels = _textured(views, 600)
    match = views.search(pixels, 0.05, 1.5)
    error = (match.inverse_depth / views.true(pixels) - 1).abs()[match.ok]
    assert float(match.ok.float().mean()) > 0.35
    assert float(error.median()) < 0.015
    assert float((error < 0.1).float().mean()) > 0.9


def test_a_narrow_range_is_finer(views: _Views) -> None:
    pixels = _textured(views, 300)
    middle = float(views.true(pixels).median())
    near = (views.true(pixels) / middle - 1).abs() < 0.1
    wide, narrow = views.search(pixels, 0.05, 1.5), views.search(pixels, 0.8 * middle, 1.2 * middle)
    ok = near & wide.ok & narrow.ok
    assert int(ok.sum()) > 20
    truth = views.true(pixels)[ok]
    errors = [float((m.inverse_depth[ok] / truth - 1).abs().median()) for m in (wide, narrow)]
    assert errors[1] <= 1.05 * errors[0]
    assert (narrow.relative_sigma[ok] < wide.relative_sigma[ok]).all()


def test_deviation_is_of_the_size_of_the_error(views: _Views) -> None:
    pixels = _textured(views, 600)
    match = views.search(pixels, 0.05, 1.5)
    error = (match.inverse_depth / views.true(pixels) - 1).abs()[match.ok]
    ratio = float((error / match.relative_sigma[match.ok]).median())
    assert 0.05 < ratio < 1.5


def test_a_point_without_texture_is_not_ok(views: _Views) -> None:
    flat = torch.full_like(views.images, 0.0)
    flat[:, 0] = 100.0
    blank = _Views(views.camera, flat, views.T_target_host, views.inverse_depth)
    assert not blank.search(_textured(views, 50), 0.05, 1.5).ok.any()


def test_a_repeated_pattern_is_not_ok(views: _Views) -> None:
    """Stripes of 8 pixels fit at many depths."""
    x = torch.arange(320.0).expand(240, 320)
    stripes = 100.0 + 60.0 * torch.sin(2 * torch.pi * x / 8.0)
    images = build_pyramid(stripes[None, None], 1)[0].expand(2, -1, -1, -1)
    T = torch.eye(4, dtype=torch.float64)[None].clone()
    T[0, 0, 3] = -0.2
    striped = _Views(views.camera, images, T, views.inverse_depth)
    assert float(striped.search(_textured(views, 200), 0.05, 1.5).ok.float().mean()) < 0.05


def test_a_range_without_the_true_depth_is_rejected(views: _Views) -> None:
    pixels = _textured(views, 300)
    match = views.search(pixels, 2.0, 4.0)
    assert float(match.ok.float().mean()) < 0.1


def test_a_target_without_motion_gives_no_depth(views: _Views) -> None:
    still = _Views(
        views.camera,
        views.images[[0, 0]],
        torch.eye(4, dtype=torch.float64)[None],
        views.inverse_depth,
    )
    assert not still.search(_textured(views, 50), 0.05, 1.5).ok.any()
