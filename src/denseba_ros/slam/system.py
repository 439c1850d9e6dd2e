"""The whole SLAM system without ROS: images and calibration in, estimates out."""

from __future__ import annotations

import numpy as np

from denseba_ros.config import Config
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.estimate import Estimate, Keyframe


class System:
    """Frontend and odometry behind one call per image.

    Use ``process`` in time order, ``finished_keyframes`` to collect keyframes that left the
    window (their depth is final), ``keyframes`` for those still in it.
    """

    def __init__(self, config: Config, calibration: Calibration) -> None:
        raise NotImplementedError

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate:
        """Estimate for one image, (H, W) or (H, W, 3) BGR uint8.

        Raises:
            ImageError: when the image does not fit the calibration or has another type.
        """
        raise NotImplementedError

    def keyframes(self) -> list[Keyframe]:
        """Keyframes of the window, oldest first."""
        raise NotImplementedError

    def finished_keyframes(self) -> list[Keyframe]:
        """Keyframes that left the window since the last call, each given once."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything; the next image starts a new odometry frame."""
        raise NotImplementedError
