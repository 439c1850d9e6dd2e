"""Calibration to and from sensor_msgs/CameraInfo."""

from __future__ import annotations

from dataclasses import replace

from sensor_msgs.msg import CameraInfo

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.sequences.camera_info import calibration_from_fields

_REMEDY = (
    "the camera is not calibrated: calibrate it (camera_calibration) and let its driver load the "
    "file (camera_info_url)"
)


def calibration_from_msg(message: CameraInfo, *, rectified: bool = False) -> Calibration:
    """The calibration of the images that come with ``message``.

    ``rectified``: the images are undistorted already, so P holds and there is no distortion.
    Binning and region of interest are applied, as the message describes the full sensor.

    Raises:
        CalibrationError: when K (or P) is zero, or a value is wrong or not supported.
    """
    if message.width == 0 or message.height == 0:
        raise CalibrationError(f"camera_info has size {message.width}x{message.height}; {_REMEDY}")
    matrix = [*message.p[0:3], *message.p[4:7], *message.p[8:11]] if rectified else message.k
    if matrix[0] == 0.0 or matrix[4] == 0.0:
        raise CalibrationError(f"{'P' if rectified else 'K'} of camera_info is zero; {_REMEDY}")
    full = calibration_from_fields(
        message.width,
        message.height,
        matrix,
        "none" if rectified else message.distortion_model,
        [] if rectified else message.d,
    )
    return _binned(_cropped(full, message), message)


def _cropped(calibration: Calibration, message: CameraInfo) -> Calibration:
    roi = message.roi
    if roi.width == 0 or roi.height == 0:
        return calibration
    return replace(
        calibration,
        width=roi.width,
        height=roi.height,
        cx=calibration.cx - roi.x_offset,
        cy=calibration.cy - roi.y_offset,
    )


def _binned(calibration: Calibration, message: CameraInfo) -> Calibration:
    across, down = max(1, message.binning_x), max(1, message.binning_y)
    return calibration.resized(calibration.width // across, calibration.height // down)


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
