"""The depth prior that needs no weights."""

from __future__ import annotations

import math

import numpy as np
import torch

from denseba_ros.frontend.depth.constant_depth import ConstantDepth
from denseba_ros.geometry.calibration import Calibration

_CALIBRATION = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)


def test_every_cell_has_the_given_depth_and_deviation() -> None:
    log_depth, sigma = ConstantDepth(3.0, 0.7).predict(torch.zeros(1, 1, 48, 64), _CALIBRATION)
    assert log_depth.shape == sigma.shape == (1, 1, 12, 16)
    assert log_depth.dtype == sigma.dtype == torch.float32
    np.testing.assert_allclose(log_depth, math.log(3.0), rtol=1e-6)
    np.testing.assert_allclose(sigma, 0.7, rtol=1e-6)
