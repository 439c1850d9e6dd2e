"""Calibrations from sensor_msgs/CameraInfo, of a topic (rclpy) or of a bag (rosbags, both ROS)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.camera_info import calibration_from_fields

_REMEDY = (
    "the camera is not calibrated: calibrate it (camera_calibration) and let its driver load the "
    "file (camera_info_url)"
)
# Of the side of the image: further from the centre a principal point is doubted, or refused.
_DOUBTED, _REFUSED = 0.25, 1.0
# So many times the smaller focal length the larger one is doubted; skipped rows make it twice.
_UNLIKE = 2.5
# Of the longer side: not even a fisheye lens has a shorter focal length.
_SHORT = 0.1
# K and P of a camera without distortion are one camera's; more than this share apart they are not.
_SAME = 0.02


def is_rectified(image_topic: str) -> bool:
    """Whether the topic's name is that of rectified images, as image_proc and drivers name them."""
    words = image_topic.removesuffix("/compressed").rpartition("/")[2].lower().split("_")
    return any(word in ("rect", "rectified") for word in words)


def calibration_from_message(message: Any, *, rectified: bool = False) -> Calibration:
    """The calibration of the images that come with ``message``.

    ``rectified``: the images are undistorted already. P holds then, or K where P is not set and
    there is no distortion. Otherwise K and D hold. The message describes the full sensor: its
    region of interest is cut out, then binning applied.

    Raises:
        CalibrationError: when K (or P) is zero or the identity, a value is wrong or not supported,
            the region lies outside the image or the principal point far outside.
    """
    if message.width == 0 or message.height == 0:
        raise CalibrationError(f"camera_info has size {message.width}x{message.height}; {_REMEDY}")
    k, d, p = _matrices(message)
    if rectified and not (p[0] == 0.0 or p[5] == 0.0):
        k, d = [*p[0:3], *p[4:7], *p[8:11]], []
    elif rectified and any(d):
        raise CalibrationError(
            "P of camera_info is zero, but the images are rectified, so that K and D do not hold; "
            f"{_REMEDY}"
        )
    if k[0] == 0.0 or k[4] == 0.0:
        raise CalibrationError(f"K of camera_info is zero; {_REMEDY}")
    if np.array_equal(k, np.eye(3).ravel()):
        raise CalibrationError(f"K of camera_info is the identity; {_REMEDY}")
    model = message.distortion_model if d else "none"
    full = calibration_from_fields(int(message.width), int(message.height), k, model, d)
    calibration = _binned(_cropped(full, message.roi), message)
    check_principal_point(calibration)
    return calibration


def doubts_about_message(message: Any, *, rectified: bool, calibration: Calibration) -> str:
    """What the user should check of a camera_info that is usable, empty if nothing."""
    k, d, p = _matrices(message)
    if not rectified and not any(d) and p[0] > 0.0 and abs(p[0] - k[0]) > _SAME * k[0]:
        return (
            f"camera_info has no distortion, but fx is {k[0]:g} in K and {p[0]:g} in P: K is taken;"
            " where the images are rectified, set node.image_is_rectified"
        )
    return doubts_about(calibration)


def check_principal_point(calibration: Calibration) -> None:
    """Refuse a principal point that lies far outside the image.

    Raises:
        CalibrationError: when it is further from the centre than the image is wide or high.
    """
    if _off_centre(calibration) > _REFUSED:
        raise CalibrationError(f"{_far_off(calibration)}: this is no calibration of these images")


def doubts_about(calibration: Calibration) -> str:
    """What the user should check of a calibration, empty if nothing."""
    c = calibration
    if max(c.fx, c.fy) < _SHORT * max(c.width, c.height):
        return f"fx is {c.fx:g} for a {c.width}x{c.height} image: is it in pixels?"
    if max(c.fx, c.fy) > _UNLIKE * min(c.fx, c.fy):
        return f"fx is {c.fx:g} and fy {c.fy:g}: pixels of most cameras are square"
    if _off_centre(calibration) <= _DOUBTED:
        return ""
    return f"{_far_off(calibration)}: is this the calibration of images of this size?"


def _off_centre(calibration: Calibration) -> float:
    c = calibration
    across = abs(c.cx - (c.width - 1) / 2) / c.width
    return max(across, abs(c.cy - (c.height - 1) / 2) / c.height)


def _far_off(calibration: Calibration) -> str:
    c = calibration
    return (
        f"the principal point ({c.cx:.1f}, {c.cy:.1f}) lies far off the centre of a "
        f"{c.width}x{c.height} image"
    )


def _matrices(message: Any) -> tuple[list[float], list[float], list[float]]:
    """K, D and P row-major; ROS 1 writes the names in capitals."""
    names = ("k", "d", "p") if hasattr(message, "k") else ("K", "D", "P")
    k, d, p = (np.asarray(getattr(message, name), np.float64).tolist() for name in names)
    return k, d, p


def _cropped(calibration: Calibration, roi: Any) -> Calibration:
    """The part that a region of interest cuts out; all of it where the region is empty."""
    if roi.width == 0 or roi.height == 0:
        return calibration
    width, height, left, top = (int(v) for v in (roi.width, roi.height, roi.x_offset, roi.y_offset))
    if left + width > calibration.width or top + height > calibration.height:
        raise CalibrationError(
            f"the region of interest of camera_info, {width}x{height} at ({left}, {top}), reaches "
            f"beyond its {calibration.width}x{calibration.height} image"
        )
    return replace(
        calibration,
        width=width,
        height=height,
        cx=calibration.cx - left,
        cy=calibration.cy - top,
    )


def _binned(calibration: Calibration, message: Any) -> Calibration:
    across, down = max(1, int(message.binning_x)), max(1, int(message.binning_y))
    return calibration.resized(calibration.width // across, calibration.height // down)
