"""Conversion to and from ROS messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from denseba_ros.errors import CalibrationError, ImageError, TrajectoryError
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import Keyframe

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from sensor_msgs.msg import CameraInfo

from denseba_ros.nodes.conversions.camera_info import calibration_from_msg, calibration_to_msg
from denseba_ros.nodes.conversions.images import (
    compressed_image_to_msg,
    encoded_image_to_msg,
    float_image_from_msg,
    float_image_to_msg,
    image_from_msg,
)
from denseba_ros.nodes.conversions.point_clouds import keyframe_to_cloud
from denseba_ros.nodes.conversions.poses import odometry_to_msg, pose_from_msg, pose_to_msg
from denseba_ros.nodes.conversions.stamps import stamp_from_ns, stamp_to_ns
from denseba_ros.sequences.encodings import Decoding
from denseba_ros.sequences.pixels.jpeg import SurplusBytes

STAMP = 1_234_567_890_123_456_789
COLOUR = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def test_stamps_keep_every_nanosecond() -> None:
    assert stamp_to_ns(stamp_from_ns(STAMP)) == STAMP


@pytest.mark.parametrize("encoding", ["", "bgr8", "rgb8"])
def test_colour_images_come_back(encoding: str) -> None:
    message = encoded_image_to_msg(COLOUR, encoding, STAMP, "camera")
    assert (message.header.frame_id, stamp_to_ns(message.header.stamp)) == ("camera", STAMP)
    np.testing.assert_array_equal(image_from_msg(message), COLOUR)


def test_grey_images_come_back() -> None:
    np.testing.assert_array_equal(image_from_msg(encoded_image_to_msg(GREY, "", 0, "")), GREY)
    tripled = image_from_msg(encoded_image_to_msg(GREY, "rgb8", 0, ""))
    np.testing.assert_array_equal(tripled, np.repeat(GREY[..., None], 3, axis=2))


def test_png_comes_back_and_jpeg_nearly() -> None:
    png = compressed_image_to_msg(COLOUR, "png", STAMP, "camera")
    np.testing.assert_array_equal(image_from_msg(png), COLOUR)
    smooth = np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1))
    jpeg = image_from_msg(compressed_image_to_msg(smooth, "jpeg", STAMP, "camera"))
    assert np.abs(jpeg.astype(int) - smooth).max() < 10


def test_a_jpeg_image_that_was_overwritten_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96), dtype=np.uint8)
    message = compressed_image_to_msg(noise, "jpeg", STAMP, "camera")
    how = Decoding(surplus=SurplusBytes())
    image_from_msg(message, how)
    data = bytearray(message.data)
    data[1000:1500] = bytes(500)
    message.data = bytes(data)
    with pytest.raises(ImageError, match="damaged"):
        image_from_msg(message, how)


def test_impossible_encodings_are_refused() -> None:
    with pytest.raises(ImageError, match="mono8, bgr8, rgb8"):
        encoded_image_to_msg(GREY, "bayer_rggb8", 0, "")
    with pytest.raises(ImageError, match="jpeg, png"):
        compressed_image_to_msg(GREY, "gif", 0, "")


def test_depth_keeps_unknown_pixels_and_padding_is_skipped() -> None:
    depth = np.array([[1.5, np.nan], [2.5, 3.5], [4.5, 5.5]], np.float32)
    message = float_image_to_msg(depth, STAMP, "camera")
    assert (message.encoding, message.width, message.height, message.step) == ("32FC1", 2, 3, 8)
    np.testing.assert_array_equal(float_image_from_msg(message), depth)
    padded = np.pad(depth, ((0, 0), (0, 1)))
    message = float_image_to_msg(padded, STAMP, "camera")
    message.width = 2
    np.testing.assert_array_equal(float_image_from_msg(message), depth)


def test_a_float_image_that_is_too_short_is_refused() -> None:
    message = float_image_to_msg(np.ones((3, 2), np.float32), STAMP, "camera")
    message.height = 4
    with pytest.raises(ImageError, match="do not fit"):
        float_image_from_msg(message)


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(640, 480, 500.0, 501.0, 319.0, 239.0),
        Calibration(640, 480, 500.0, 501.0, 319.0, 239.0, "plumb_bob", (0.1, -0.2, 0.0, 0.01, 0.3)),
        Calibration(640, 480, 500.0, 501.0, 319.0, 239.0, "equidistant", (0.1, -0.2, 0.0, 0.01)),
        Calibration(
            640, 480, 500.0, 501.0, 319.0, 239.0, "rational_polynomial", tuple(np.arange(8) / 9)
        ),
    ],
)
def test_calibrations_come_back(calibration: Calibration) -> None:
    assert calibration_from_msg(calibration_to_msg(calibration, STAMP, "camera")) == calibration


def test_rectified_images_take_p_and_no_distortion() -> None:
    message = calibration_to_msg(
        Calibration(640, 480, 500.0, 501.0, 319.0, 239.0, "plumb_bob", (0.1, 0.2, 0.0, 0.0)), 0, ""
    )
    message.p = [450.0, 0.0, 310.0, 0.0, 0.0, 451.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    expected = Calibration(640, 480, 450.0, 451.0, 310.0, 230.0)
    assert calibration_from_msg(message, rectified=True) == expected


def test_region_of_interest_and_binning_are_applied() -> None:
    message = calibration_to_msg(Calibration(640, 480, 500.0, 500.0, 319.5, 239.5), 0, "")
    message.roi.x_offset, message.roi.y_offset = 160, 120
    message.roi.width, message.roi.height = 320, 240
    message.binning_x = message.binning_y = 2
    expected = Calibration(160, 120, 250.0, 250.0, 79.5, 59.5)
    assert calibration_from_msg(message) == expected


@pytest.mark.parametrize("message", [CameraInfo(), CameraInfo(width=640, height=480)])
def test_an_uncalibrated_camera_is_refused_with_the_remedy(message: CameraInfo) -> None:
    with pytest.raises(CalibrationError, match="camera_calibration"):
        calibration_from_msg(message)


def test_poses_come_back_and_impossible_ones_are_refused() -> None:
    T = T_base_optical(1.0, 2.0, 3.0, 0.1, 0.2, 0.3)
    message = pose_to_msg(T)
    np.testing.assert_allclose(pose_from_msg(message), T, atol=1e-12)
    message.orientation.x = message.orientation.y = float("nan")
    with pytest.raises(TrajectoryError, match="not a pose"):
        pose_from_msg(message)


def test_odometry_is_in_the_axes_of_the_robot(fake_system: Any) -> None:
    mount = CameraMount(T_base_optical(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    fake_system.process(STAMP - 1, GREY)
    estimate = fake_system.process(STAMP, GREY)
    message = odometry_to_msg(estimate, mount, "odom", "base_link")
    assert (message.header.frame_id, message.child_frame_id) == ("odom", "base_link")
    assert stamp_to_ns(message.header.stamp) == STAMP
    position = message.pose.pose.position
    np.testing.assert_allclose([position.x, position.y, position.z], [0.1, 0.0, 0.0], atol=1e-12)
    # Camera x right, y down, z forward are the robot's -y, -z, x.
    variances = np.diag(np.reshape(message.pose.covariance, (6, 6)))
    np.testing.assert_allclose(variances, [3.0, 1.0, 2.0, 6.0, 4.0, 5.0])
    assert message.twist.twist.linear.x == pytest.approx(3.0)
    assert message.twist.twist.angular.z == pytest.approx(-0.5)


def test_points_lie_on_the_rays_of_their_pixels(fake_system: Any) -> None:
    keyframe: Keyframe = fake_system.keyframes()[0]
    cloud = keyframe_to_cloud(keyframe, "camera")
    points = np.frombuffer(cloud.data, np.float32).reshape(3, 4, 5)
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "intensity", "sigma"]
    assert not cloud.is_dense
    assert np.isnan(points[0, 0, :3]).all()
    camera = keyframe.depth.calibration
    x, y, z, intensity, sigma = points[2, 3]
    assert (camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy) == pytest.approx((3, 2))
    assert (z, intensity, sigma) == (2.0, 7.0, pytest.approx(0.2))
