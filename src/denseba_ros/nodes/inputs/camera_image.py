"""An image of the camera's topic, with the depth image that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from denseba_ros.errors import ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.images import image_from_msg
from denseba_ros.sequences.encodings import ANY_CAMERA, Decoding


@dataclass(frozen=True)
class CameraImage:
    """An image as it arrived, ``depth`` too where there is one; decoding is left to the worker."""

    stamp_ns: int
    frame_id: str
    message: Image | CompressedImage
    topic: str = "image"
    depth: Image | None = None

    def decode(self, calibration: Calibration, how: Decoding = ANY_CAMERA) -> np.ndarray:
        """Uint8 (H, W) or (H, W, 3) BGR.

        Raises:
            ImageError: when it cannot be decoded or is not of the calibration's size.
        """
        try:
            image = image_from_msg(self.message, how)
        except ImageError as error:
            raise ImageError(f"{self.topic}: {error}. Does its driver fill the message?") from error
        height, width = image.shape[:2]
        if (width, height) != (calibration.width, calibration.height):
            raise ImageError(
                f"{self.topic}: the image is {width}x{height} but camera_info says "
                f"{calibration.width}x{calibration.height}: publish the camera_info of this size"
            )
        # Torch warns about tensors on memory that must not be written.
        return np.require(image, requirements="W")
