"""A system that is loaded and compiled before its camera is known."""

from __future__ import annotations

import os

import numpy as np
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import ANY_CAMERA
from denseba_ros.slam.system import System


def warmed_up(config: Config, is_live: bool = False) -> System:
    """A system whose models and compiled loops are loaded; it waits for ``change_camera``.

    ``is_live``: tracking and mapping run beside each other, each on half of the cores.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """
    if is_live:
        # More threads than cores would wait for each other.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    system = System(config, ANY_CAMERA, is_live)
    noise = np.random.default_rng(config.seed).integers(0, 255, (240, 320), dtype=np.uint8)
    for stamp_ns in range(2):
        system.process(stamp_ns, noise)
    system.reset()
    return system
