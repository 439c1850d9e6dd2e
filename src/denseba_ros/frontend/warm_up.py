"""A frontend whose models are loaded and have run once, before its camera is known."""

from __future__ import annotations

import numpy as np
import torch

from denseba_ros.config import Config
from denseba_ros.device import share_cores
from denseba_ros.frontend.frontend import Frontend


def warm_up_image(config: Config) -> np.ndarray:
    """Noise (240, 320) uint8 for what must run once."""
    return np.random.default_rng(config.seed).integers(0, 255, (240, 320), dtype=np.uint8)


def warmed_up_frontend(config: Config) -> Frontend:
    """A frontend that waits for ``change_camera``; its depth is computed beside the next images.

    Raises:
        ConfigurationError: when a model is missing or the device is not there.
    """
    share_cores()
    frontend = Frontend(config)
    noise = warm_up_image(config)
    with torch.inference_mode():
        for stamp_ns in range(2):
            _ = frontend.process(stamp_ns, noise).log_depth
    frontend.reset()
    return frontend
