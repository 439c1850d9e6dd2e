"""A FrontendFrame as standard messages, for a frontend and a backend in separate processes.

| topic                        | message                                                    |
|------------------------------|------------------------------------------------------------|
| `frontend/image`             | Image 32FC1, grey 0-255, rectified                         |
| `frontend/camera_info`       | CameraInfo of that image, no distortion                    |
| `frontend/motion`            | PoseWithCovarianceStamped: the current camera in the last  |
|                              | one; first covariance -1 where the frontend has no opinion |
| `frontend/brightness`        | Vector3Stamped: x gain, y offset                           |

All four carry the image's stamp and frame_id, by which the backend joins them. The depth comes on
request only (``depth_messages``), as most images need none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped, Vector3Stamped
from sensor_msgs.msg import CameraInfo, Image
from torch import Tensor

from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame, Motion
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg, calibration_to_msg
from denseba_ros.nodes.conversions.poses import pose_from_msg, pose_to_msg
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns
from denseba_ros.nodes.conversions.tensor_images import tensor_from_msg, tensor_to_msg

_NO_OPINION = -1.0


@dataclass(frozen=True)
class FrontendMessages:
    """The four messages of one frame, in the order of ``TOPICS``."""

    image: Image
    camera_info: CameraInfo
    motion: PoseWithCovarianceStamped
    brightness: Vector3Stamped


TOPICS: dict[str, Any] = {
    "image": Image,
    "camera_info": CameraInfo,
    "motion": PoseWithCovarianceStamped,
    "brightness": Vector3Stamped,
}
"""Field of FrontendMessages, and last part of the topic's name, to the message's type."""


def frame_to_messages(frame: FrontendFrame, frame_id: str) -> FrontendMessages:
    """The messages of a frame of the camera ``frame_id``; its depth is not computed.

    Copies the tensors to the host; float32 all the way, so that nothing is rounded.
    """
    motion, brightness = _motion_to_messages(frame, frame_id)
    return FrontendMessages(
        image=tensor_to_msg(frame.image, frame.stamp_ns, frame_id),
        camera_info=calibration_to_msg(frame.calibration, frame.stamp_ns, frame_id),
        motion=motion,
        brightness=brightness,
    )


def frame_from_messages(
    messages: FrontendMessages,
    device: torch.device,
    depth_of: Callable[[Tensor, Calibration], DepthPrior],
) -> FrontendFrame:
    """The frame on ``device``; ``depth_of`` gives the depth prior of its image (1, 1, H, W).

    Raises:
        ImageError: when the image is not 32FC1, or does not fit camera_info.
        CalibrationError: when camera_info is not a calibration.
        TrajectoryError: when the motion is not a pose.
    """
    image = tensor_from_msg(messages.image, device)
    calibration = calibration_from_msg(messages.camera_info)
    if image.shape[2:] != (calibration.height, calibration.width):
        raise ImageError(
            f"sizes differ: image {tuple(image.shape[2:])}, camera_info "
            f"{(calibration.height, calibration.width)}"
        )
    return FrontendFrame(
        stamp_ns=stamp_to_ns(messages.image.header.stamp),
        image=image,
        calibration=calibration,
        depth=depth_of(image, calibration),
        motion=_motion_from_messages(messages),
    )


def _motion_to_messages(
    frame: FrontendFrame, frame_id: str
) -> tuple[PoseWithCovarianceStamped, Vector3Stamped]:
    header = make_header(frame.stamp_ns, frame_id)
    motion = PoseWithCovarianceStamped(header=header)
    brightness = Vector3Stamped(header=header)
    brightness.vector.x = 1.0
    if frame.motion is None:
        motion.pose.covariance[0] = _NO_OPINION
        return motion, brightness
    motion.pose.pose = pose_to_msg(frame.motion.T_previous_current.cpu().numpy())
    motion.pose.covariance = frame.motion.covariance.cpu().numpy().astype(np.float64).ravel()
    brightness.vector.x = float(frame.motion.gain)
    brightness.vector.y = float(frame.motion.offset)
    return motion, brightness


def _motion_from_messages(messages: FrontendMessages) -> Motion | None:
    covariance = np.asarray(messages.motion.pose.covariance, dtype=np.float64).reshape(6, 6)
    if covariance[0, 0] == _NO_OPINION:
        return None
    return Motion(
        T_previous_current=torch.from_numpy(pose_from_msg(messages.motion.pose.pose)),
        covariance=torch.from_numpy(covariance.copy()),
        gain=messages.brightness.vector.x,
        offset=messages.brightness.vector.y,
    )
