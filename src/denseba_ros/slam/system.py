"""The whole SLAM system without ROS: images and calibration in, estimates out."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.estimate import Estimate, Keyframe
from denseba_ros.slam.odometry import Odometry


class System:
    """Frontend and odometry behind one call per image.

    Use ``process`` in time order, ``finished_keyframes`` to collect keyframes that left the
    window (their depth is final), ``keyframes`` for those still in it.
    """

    def __init__(self, config: Config, calibration: Calibration) -> None:
        torch.manual_seed(config.seed)
        self.frontend = Frontend(config, calibration)
        self.odometry = Odometry(config)

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate:
        """Estimate for one image, (H, W) or (H, W, 3) BGR uint8.

        Raises:
            ImageError: when the image does not fit the calibration or has another type.
        """
        started = time.perf_counter()
        frame = self.frontend.process(stamp_ns, image)
        frontend = time.perf_counter() - started
        estimate = self.odometry.process(frame)
        return replace(estimate, seconds={"frontend": frontend, **estimate.seconds})

    def keyframes(self) -> list[Keyframe]:
        """Keyframes of the window, oldest first."""
        return self.odometry.keyframes()

    def finished_keyframes(self) -> list[Keyframe]:
        """Keyframes that left the window since the last call, each given once."""
        return self.odometry.finished_keyframes()

    def reconfigure(self, config: Config) -> None:
        """Take over what may change between two images: the fields marked ``live``."""
        self.odometry.reconfigure(config)

    def reset(self) -> None:
        """Forget everything; the next image starts a new odometry frame."""
        self.odometry.reset()


def warm_up(config: Config) -> None:
    """Load models and compiled loops, so that the first image need not wait for them.

    Raises:
        ConfigurationError: when a model is missing, or the device is not there.
    """
    system = System(config, Calibration(320, 240, 200.0, 200.0, 159.5, 119.5))
    noise = np.random.default_rng(config.seed).integers(0, 255, (240, 320), dtype=np.uint8)
    for stamp_ns in range(2):
        system.process(stamp_ns, noise)
