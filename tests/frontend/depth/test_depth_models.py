"""The depth model of the configuration: constant, a file of weights, or an error that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from denseba_ros.config import FrontendConfig
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.constant_depth import DepthModel
from denseba_ros.frontend.depth.depth_models import make_depth_model
from denseba_ros.frontend.depth.depth_network import DepthNetwork
from denseba_ros.frontend.depth.depth_network_file import DepthWeights, save_depth
from denseba_ros.frontend.depth.depth_network_model import NetworkDepth
from denseba_ros.geometry.calibration import Calibration

_CALIBRATION = Calibration(64, 48, 50.0, 50.0, 31.5, 23.5)
_IMAGE = torch.zeros(1, 1, 48, 64)


def made(depth_model: str, **values: float) -> DepthModel:
    return make_depth_model(FrontendConfig(depth_model=depth_model, **values), torch.device("cpu"))


def test_constant_depth() -> None:
    model = made("constant", constant_depth=5.0, constant_sigma=0.4)
    log_depth, sigma = model.predict(_IMAGE, _CALIBRATION)
    assert float(log_depth.exp().mean()) == pytest.approx(5.0)
    assert float(sigma.mean()) == pytest.approx(0.4)


def test_weights_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "depth.safetensors"
    torch.manual_seed(0)
    save_depth(DepthWeights(DepthNetwork(), 4096), path)
    model = made(str(path))
    assert isinstance(model, NetworkDepth)
    log_depth, sigma = model.predict(_IMAGE, _CALIBRATION)
    assert log_depth.shape == sigma.shape == (1, 1, 12, 16)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"broken\.safetensors"):
        made(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.safetensors"):
        made(str(tmp_path / "gone.safetensors"))


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ConfigurationError, match="nonesuch"):
        made("nonesuch")
