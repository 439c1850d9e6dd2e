"""The whole SLAM system without ROS: images and calibration in, estimates out."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch

from denseba_ros.config import Config
from denseba_ros.frontend.frontend import ANY_CAMERA, Frontend
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.odometry import Odometry
from denseba_ros.slam.state.estimate import Estimate, Keyframe


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
        self.frontend.reset()
        self.odometry.reset()

    def change_camera(self, calibration: Calibration) -> None:
        """Forget everything but the models; the next image is of another camera."""
        torch.manual_seed(self.odometry.config.seed)
        self.frontend.change_camera(calibration)
        self.reset()


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
