"""A system that is loaded and compiled before its camera is known."""

from __future__ import annotations

import numpy as np

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import ANY_CAMERA
from denseba_ros.slam.system import System


def warmed_up(config: Config) -> System:
    """A system whose models and compiled loops are loaded; it waits for ``change_camera``.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """
    system = System(config, ANY_CAMERA)
    noise = np.random.default_rng(config.seed).integers(0, 255, (240, 320), dtype=np.uint8)
    for stamp_ns in range(2):
        system.process(stamp_ns, noise)
    system.reset()
    return system
