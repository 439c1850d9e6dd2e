"""The depth prior that needs no weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.prior import ConstantDepth, make_depth_model
from denseba_ros.geometry.calibration import Calibration

_CALIBRATION = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)


def test_every_cell_has_the_stated_depth_and_deviation() -> None:
    log_depth, sigma = ConstantDepth(3.0, 0.7).predict(torch.zeros(1, 1, 48, 64), _CALIBRATION)
    assert log_depth.shape == sigma.shape == (1, 1, 12, 16)
    assert log_depth.dtype == sigma.dtype == torch.float32
    np.testing.assert_allclose(log_depth, math.log(3.0), rtol=1e-6)
    np.testing.assert_allclose(sigma, 0.7, rtol=1e-6)


def test_the_model_of_the_configuration() -> None:
    model = make_depth_model(FrontendConfig(constant_depth=5.0, constant_sigma=0.4))
    assert model.name == "constant"
    log_depth, sigma = model.predict(torch.zeros(1, 1, 48, 64), _CALIBRATION)
    assert float(log_depth.exp().mean()) == pytest.approx(5.0)
    assert float(sigma.mean()) == pytest.approx(0.4)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ConfigurationError, match="nonesuch"):
        make_depth_model(FrontendConfig(depth_model="nonesuch"))
