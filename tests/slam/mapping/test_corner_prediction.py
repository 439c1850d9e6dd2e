"""Predicted corners are projections, and their warps the derivative of these."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.slam.mapping.corner_prediction import PredictedCorners, predict_corners

_CAMERA = Pinhole(210.0, 195.0, 160.7, 118.2, 320, 240)
_T = se3.exp(torch.tensor([0.3, -0.1, 0.2, 0.1, -0.2, 0.3], dtype=torch.float64))
_BORDER = 4.0


def _predict(pixels: Tensor, depth: Tensor, ok: Tensor | None = None) -> PredictedCorners:
    ok = torch.ones(len(pixels), dtype=torch.bool) if ok is None else ok
    return predict_corners(_CAMERA, pixels, depth, ok, _T, _BORDER)


def _some() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(500, 2, generator=generator) * torch.tensor([320.0, 240.0])
    return pixels, torch.rand(500, generator=generator) * 2.0


def test_pixels_and_depths_are_those_of_the_projection() -> None:
    pixels, depth = _some()
    found, expected = _predict(pixels, depth), project_by(_CAMERA, _CAMERA.rays(pixels), depth, _T)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    np.testing.assert_array_equal(found.inverse_depth, expected.inverse_depth)


def test_warps_are_the_derivative_at_constant_depth() -> None:
    pixels, depth = _some()
    found, step = _predict(pixels, depth), 0.25
    for axis in range(2):
        shift = step * torch.eye(2)[axis]
        plus, minus = _predict(pixels + shift, depth).pixels, _predict(pixels - shift, depth).pixels
        derivative = (plus - minus) / (2 * step)
        seen = found.is_visible
        np.testing.assert_allclose(found.warps[seen][:, :, axis], derivative[seen], atol=0.01)


def test_corners_outside_or_not_wanted_are_not_visible() -> None:
    pixels, depth = _some()
    ok = torch.arange(len(pixels)) % 2 == 0
    u, v = _predict(pixels, depth).pixels.T
    inside = (u >= _BORDER) & (u <= 319 - _BORDER) & (v >= _BORDER) & (v <= 239 - _BORDER)
    assert 0 < inside.sum() < len(pixels)
    np.testing.assert_array_equal(_predict(pixels, depth, ok).is_visible, inside & ok.numpy())
    # The camera is moved along its axis, so a point this near lies behind it.
    behind = _predict(torch.tensor([[160.0, 118.0]]), torch.tensor([-10.0]))
    assert not behind.is_visible[0]
