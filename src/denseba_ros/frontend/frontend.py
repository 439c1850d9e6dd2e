"""The frontend: from an image to a rectified grey tensor with depth and motion priors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.frontend.depth.depth_models import make_depth_model
from denseba_ros.frontend.depth.measured_depth import MeasuredDepth
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame
from denseba_ros.frontend.pose.pose_model import make_pose_model
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.rectify import Rectifier

# A placeholder until the camera is known.
ANY_CAMERA = Calibration(320, 240, 200.0, 200.0, 159.5, 119.5)


class Frontend:
    """Rectifies and resizes each image and runs the depth and pose models on it."""

    def __init__(self, config: Config, calibration: Calibration = ANY_CAMERA) -> None:
        """``calibration`` of the images as they come, with distortion.

        Raises:
            ConfigurationError: when a model is missing or the device is not there.
        """
        self.device = pick_device(config.device)
        self._pixels = config.frontend.working_pixels
        self._source = calibration
        self.rectifier = Rectifier(calibration, self._pixels)
        self.depth_model = make_depth_model(config.frontend, self.device)
        self.pose_model = make_pose_model(config.frontend.pose_model, self.device)

    def change_camera(self, calibration: Calibration) -> None:
        """Take over the calibration of the next images, which are of another camera."""
        self._source = calibration
        self.rectifier = Rectifier(calibration, self._pixels)
        self.reset()

    def reset(self) -> None:
        """Drop the last image: the next one does not follow it."""
        self.pose_model.reset()

    @torch.no_grad()
    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> FrontendFrame:
        """Prepare one image, (H, W) or (H, W, 3) BGR uint8.

        ``depth`` (h, w) float32 is its measured depth in metres, 0 where unknown, of the same
        pixels; used where the depth model is "topic".

        Raises:
            ImageError: when image or depth do not fit the calibration or have another type.
        """
        grey = self.rectifier.rectify(image)
        tensor = torch.from_numpy(grey).to(self.device, torch.float32)[None, None]
        calibration = self.rectifier.calibration
        prior = self._prior(tensor, calibration, depth)
        motion = self.pose_model.step(tensor, calibration)
        return FrontendFrame(stamp_ns, tensor, calibration, prior, motion)

    def _prior(
        self, image: Tensor, calibration: Calibration, depth: np.ndarray | None
    ) -> DepthPrior:
        model = self.depth_model
        if depth is not None and isinstance(model, MeasuredDepth):
            return model.prior(depth, self._source, calibration).to(self.device)
        return DepthPrior(lambda: model.predict(image, calibration))
