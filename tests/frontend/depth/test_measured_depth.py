"""Measured depth as a prior: where, how certain, and what is unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.errors import ImageError
from denseba_ros.frontend.depth.measured_depth import MeasuredDepth
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, median_known
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.calibration import Calibration

CAMERA = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)


def grids(depth: np.ndarray, noise: float = 0.005) -> tuple[np.ndarray, np.ndarray]:
    log_depth, sigma = MeasuredDepth(2.0, noise).prior(depth, CAMERA, CAMERA).grids
    assert log_depth.shape == sigma.shape == (1, 1, 12, 16)
    assert torch.isfinite(log_depth).all()
    assert torch.isfinite(sigma).all()
    return log_depth[0, 0].numpy(), sigma[0, 0].numpy()


def test_the_deviation_grows_with_the_square_of_the_depth() -> None:
    for metres in (1.0, 10.0):
        log_depth, sigma = grids(np.full((48, 64), metres, np.float32))
        assert log_depth == pytest.approx(math.log(metres), abs=1e-6)
        assert sigma == pytest.approx(math.hypot(0.02, 0.005 * metres), rel=1e-4)


def test_unknown_pixels_are_no_prior_and_do_not_count_for_the_median() -> None:
    depth = np.zeros((48, 64), np.float32)
    depth[:, :16] = 3.0
    log_depth, sigma = grids(depth)
    assert (sigma[:, 4:] == UNKNOWN_DEPTH_SIGMA).all()
    assert (sigma[:, :4] < 0.03).all()
    assert log_depth == pytest.approx(math.log(3.0), abs=1e-6)  # filled
    assert median_known(torch.from_numpy(sigma)) < 0.03
    corner = np.zeros_like(depth)
    corner[:4, :8] = 3.0  # too little of the image
    for empty in (0 * depth, corner):
        _, sigma = grids(empty)
        assert median_known(torch.from_numpy(sigma)) == UNKNOWN_DEPTH_SIGMA


def test_a_cell_with_two_depths_is_less_certain() -> None:
    depth = np.full((48, 64), 2.0, np.float32)
    depth[:, 34:] = 4.0
    _, sigma = grids(depth)
    assert (sigma[:, 8] > 0.3).all()
    assert (np.delete(sigma, 8, 1) < 0.05).all()


@pytest.mark.parametrize("halved", [1, 2])
def test_depth_has_the_distortion_of_its_image(halved: int) -> None:
    """A plane that is slanted along x: its depth tells which pixel was taken."""
    lens = Calibration(320, 240, 200.0, 200.0, 159.5, 119.5, "plumb_bob", (-0.2, 0.05, 0.0, 0.0))
    frontend = Frontend(Config.from_dict({"frontend": {"depth_model": "topic"}}), lens)
    columns = (np.arange(320 // halved) + 0.5) * halved - 0.5
    depth = np.tile((1.0 + columns / 100).astype(np.float32), (240 // halved, 1))
    image = np.zeros((240, 320), np.uint8)
    frame = frontend.process(1, image, depth)
    camera = frame.calibration
    h, w = frame.log_depth.shape[-2:]
    x = (4 * np.arange(w) + 1.5 - camera.cx) / camera.fx
    y = (4 * np.arange(h) + 1.5 - camera.cy) / camera.fy
    x, y = np.meshgrid(x, y)
    square = x**2 + y**2
    column = 200.0 * x * (1 - 0.2 * square + 0.05 * square**2) + 159.5
    error = 100 * (np.exp(frame.log_depth[0, 0].numpy()) - 1.0) - column
    assert np.abs(error).max() < 1.5 * halved
    assert frame.depth.is_measured
    without = frontend.process(2, image)
    assert not without.depth.is_measured
    assert without.median_depth_sigma == UNKNOWN_DEPTH_SIGMA


def test_depth_that_is_not_registered_is_refused() -> None:
    with pytest.raises(ImageError, match="registered"):
        MeasuredDepth(2.0, 0.0).prior(np.ones((48, 48), np.float32), CAMERA, CAMERA)
