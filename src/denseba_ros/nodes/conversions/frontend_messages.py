"""A FrontendFrame as standard messages, for a frontend and a backend in separate processes.

| topic                        | message                                                    |
|------------------------------|------------------------------------------------------------|
| `frontend/image`             | Image 32FC1, grey 0-255, rectified                         |
| `frontend/camera_info`       | CameraInfo of that image, no distortion                    |
| `frontend/depth`             | Image 32FC1, metres                                        |
| `frontend/depth_uncertainty` | Image 32FC1, standard deviation of the log of the depth    |
| `frontend/motion`            | PoseWithCovarianceStamped: the current camera in the last  |
|                              | one; first covariance -1 where the frontend has no opinion |
| `frontend/brightness`        | Vector3Stamped: x gain, y offset                           |

All six carry the image's stamp and frame_id, by which the backend joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from geometry_msgs.msg import PoseWithCovarianceStamped, Vector3Stamped
from sensor_msgs.msg import CameraInfo, Image

from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import DepthPrior, FrontendFrame, Motion
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg, calibration_to_msg
from denseba_ros.nodes.conversions.images import float_image_from_msg, float_image_to_msg
from denseba_ros.nodes.conversions.poses import pose_from_msg, pose_to_msg
from denseba_ros.nodes.conversions.stamps import make_header, stamp_to_ns

_NO_OPINION = -1.0


@dataclass(frozen=True)
class FrontendMessages:
    """The six messages of one frame, in the order of ``TOPICS``."""

    image: Image
    camera_info: CameraInfo
    depth: Image
    depth_uncertainty: Image
    motion: PoseWithCovarianceStamped
    brightness: Vector3Stamped


TOPICS: dict[str, Any] = {
    "image": Image,
    "camera_info": CameraInfo,
    "depth": Image,
    "depth_uncertainty": Image,
    "motion": PoseWithCovarianceStamped,
    "brightness": Vector3Stamped,
}
"""Field of FrontendMessages, and last part of the topic's name, to the message's type."""


def frame_to_messages(frame: FrontendFrame, frame_id: str) -> FrontendMessages:
    """The messages of a frame of the camera ``frame_id``.

    Copies the tensors to the host; float32 all the way, so that nothing is rounded.
    """
    stamp_ns = frame.stamp_ns
    motion, brightness = _motion_to_messages(frame, frame_id)
    return FrontendMessages(
        image=float_image_to_msg(_plane(frame.image), stamp_ns, frame_id),
        camera_info=calibration_to_msg(frame.calibration, stamp_ns, frame_id),
        depth=float_image_to_msg(np.exp(_plane(frame.log_depth)), stamp_ns, frame_id),
        depth_uncertainty=float_image_to_msg(_plane(frame.log_depth_sigma), stamp_ns, frame_id),
        motion=motion,
        brightness=brightness,
    )


def frame_from_messages(messages: FrontendMessages, device: torch.device) -> FrontendFrame:
    """The frame on ``device``.

    Raises:
        ImageError: when an image is not 32FC1, does not fit, or holds an impossible depth.
        CalibrationError: when camera_info is not a calibration, or is another image's.
        TrajectoryError: when the motion is not a pose.
    """
    image = float_image_from_msg(messages.image)
    depth = float_image_from_msg(messages.depth)
    sigma = float_image_from_msg(messages.depth_uncertainty)
    calibration = calibration_from_msg(messages.camera_info)
    if image.shape != (calibration.height, calibration.width) or depth.shape != sigma.shape:
        raise ImageError(
            f"sizes differ: image {image.shape}, camera_info "
            f"{(calibration.height, calibration.width)}, depth {depth.shape}, sigma {sigma.shape}"
        )
    if not np.all(np.isfinite(depth) & (depth > 0)):
        raise ImageError("the frontend's depth holds values that are not positive and finite")
    return FrontendFrame(
        stamp_ns=stamp_to_ns(messages.image.header.stamp),
        image=_tensor(image, device),
        calibration=calibration,
        depth=DepthPrior.known(_tensor(np.log(depth), device), _tensor(sigma, device)),
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


def _plane(tensor: torch.Tensor) -> np.ndarray:
    plane: np.ndarray = tensor[0, 0].detach().cpu().numpy()
    return plane


def _tensor(plane: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.array(plane, dtype=np.float32))[None, None].to(device)
