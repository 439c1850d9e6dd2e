"""Calibration to and from sensor_msgs/CameraInfo."""

from __future__ import annotations

from sensor_msgs.msg import CameraInfo

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.sequences.camera_info_message import calibration_from_message


def calibration_from_msg(message: CameraInfo, *, rectified: bool = False) -> Calibration:
    """The calibration of the images that come with ``message``, see ``calibration_from_message``.

    Raises:
        CalibrationError: when there is none.
    """
    return calibration_from_message(message, rectified=rectified)


def calibration_to_msg(calibration: Calibration, stamp_ns: int, frame_id: str) -> CameraInfo:
    """K, D, R = identity and P = [K 0] of ``calibration``; ``frame_id`` is its optical frame."""
    k = [float(value) for value in calibration.matrix.ravel()]
    message = CameraInfo(
        header=make_header(stamp_ns, frame_id),
        width=calibration.width,
        height=calibration.height,
        distortion_model="plumb_bob" if calibration.model == "none" else calibration.model,
        d=[float(c) for c in calibration.coefficients] or [0.0] * 5,
    )
    message.k = k
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [*k[0:3], 0.0, *k[3:6], 0.0, *k[6:9], 0.0]
    return message
