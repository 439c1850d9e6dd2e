"""Construction of the configured depth model."""

from __future__ import annotations

from pathlib import Path

import torch

from denseba_ros.config import TOPIC, FrontendConfig
from denseba_ros.errors import ConfigurationError
from denseba_ros.frontend.depth.constant_depth import ConstantDepth, DepthModel
from denseba_ros.frontend.depth.depth_network_file import load_depth
from denseba_ros.frontend.depth.depth_network_model import NetworkDepth
from denseba_ros.frontend.depth.external_depth_models import (
    ExternalDepth,
    load_onnx,
    load_transformers,
)
from denseba_ros.frontend.depth.measured_depth import MeasuredDepth
from denseba_ros.resources import share_file

CONSTANT, NETWORK = "constant", "network"
# The weights that come with the package.
_SHIPPED = "models/depth.safetensors"
# Prefix of models of Hugging Face's transformers, by folder or name.
_TRANSFORMERS = "hf:"


def make_depth_model(config: FrontendConfig, device: torch.device) -> DepthModel:
    """The depth model ``config.depth_model`` with its weights on ``device``.

    Raises:
        ConfigurationError: when the name is unknown, or its file is missing or broken.
    """
    name = config.depth_model
    if name == CONSTANT:
        return ConstantDepth(config.constant_depth, config.constant_sigma)
    if name == TOPIC:
        return MeasuredDepth(config.constant_depth, config.depth_noise)
    if name == NETWORK:
        return NetworkDepth(load_depth(share_file(_SHIPPED)), device, config.depth_flip)
    if name.endswith(".safetensors"):
        return NetworkDepth(load_depth(Path(name)), device, config.depth_flip)
    if name.endswith(".onnx"):
        return ExternalDepth(load_onnx(Path(name)), config.constant_depth)
    if name.startswith(_TRANSFORMERS):
        network = load_transformers(name.removeprefix(_TRANSFORMERS), device)
        return ExternalDepth(network, config.constant_depth)
    raise ConfigurationError(
        f"frontend.depth_model {name!r} is unknown; known: {CONSTANT!r}, {NETWORK!r}, "
        f"{TOPIC!r}, a .safetensors or .onnx file, {_TRANSFORMERS + 'NAME'!r}"
    )
