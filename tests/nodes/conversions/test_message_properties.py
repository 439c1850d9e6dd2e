"""What holds for any message: conversions there and back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from geometry_msgs.msg import Pose
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, Image

from denseba_ros.errors import ImageError, TrajectoryError
from denseba_ros.geometry.body_frame import CameraMount, T_base_optical
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.conversions.camera_info import calibration_from_msg, calibration_to_msg
from denseba_ros.nodes.conversions.images import (
    encoded_image_to_msg,
    float_image_from_msg,
    float_image_to_msg,
    image_from_msg,
)
from denseba_ros.nodes.conversions.odometry_from_msg import map_to_odom, pose_from_msgs
from denseba_ros.nodes.conversions.poses import (
    maybe_inverted,
    odometry_to_msg,
    pose_from_msg,
    pose_to_msg,
    transform_from_msg,
)
from denseba_ros.nodes.conversions.stamps import stamp_from_ns, stamp_to_ns
from denseba_ros.nodes.outputs.diagnostics import estimate_status
from denseba_ros.nodes.outputs.health import Health
from denseba_ros.slam.state.estimate import Estimate, Tracking

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
colour = shapes.flatmap(lambda s: hnp.arrays(np.uint8, (*s, 3)))
coordinate = st.floats(-1e4, 1e4)
turn = st.floats(-3.0, 3.0)
stamps = st.integers(0, 2**31 * 1_000_000_000 - 1)


@st.composite
def poses(draw: st.DrawFn) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("xyz", [draw(turn) for _ in range(3)]).as_matrix()
    T[:3, 3] = [draw(coordinate) for _ in range(3)]
    return T


@st.composite
def covariances(draw: st.DrawFn) -> np.ndarray:
    root = draw(hnp.arrays(np.float64, (6, 6), elements=st.floats(-2.0, 2.0)))
    return root @ root.T


@given(stamps)
def test_stamps(stamp_ns: int) -> None:
    assert stamp_to_ns(stamp_from_ns(stamp_ns)) == stamp_ns


@settings(deadline=None)
@given(colour, st.sampled_from(["bgr8", "rgb8"]), st.integers(0, 9))
def test_images_with_any_padding(image: np.ndarray, encoding: str, padding: int) -> None:
    message = encoded_image_to_msg(image, encoding, 0, "camera")
    height = image.shape[0]
    rows = np.frombuffer(message.data, np.uint8).reshape(height, -1)
    message.data = np.pad(rows, ((0, 0), (0, padding))).tobytes()
    message.step += padding
    message = deserialize_message(serialize_message(message), Image)
    np.testing.assert_array_equal(image_from_msg(message), image)


@settings(deadline=None)
@given(colour, st.integers(0, 500))
def test_any_missing_byte_is_refused(image: np.ndarray, cut: int) -> None:
    message = encoded_image_to_msg(image, "", 0, "camera")
    kept = max(len(message.data) - 1 - cut, 0)
    message.data = message.data[:kept]
    with pytest.raises(ImageError):
        image_from_msg(message)


@settings(deadline=None)
@given(shapes.flatmap(lambda s: hnp.arrays(np.float32, s)))
def test_depth_keeps_every_bit(depth: np.ndarray) -> None:
    message = deserialize_message(serialize_message(float_image_to_msg(depth, 0, "c")), Image)
    np.testing.assert_array_equal(float_image_from_msg(message), depth)


focal = st.floats(1.0, 1e4)


@settings(deadline=None)
@given(st.integers(16, 4000), st.integers(16, 4000), focal, focal, st.floats(0.2, 0.8))
def test_calibrations(width: int, height: int, fx: float, fy: float, centre: float) -> None:
    calibration = Calibration(width, height, fx, fy, centre * width, centre * height)
    message = calibration_to_msg(calibration, 1, "camera")
    assert calibration_from_msg(deserialize_message(serialize_message(message), CameraInfo)) == (
        calibration_from_msg(message)
    )
    back = calibration_from_msg(message)
    assert (back.width, back.height) == (width, height)
    np.testing.assert_allclose(back.matrix, calibration.matrix, rtol=1e-12)


@settings(deadline=None)
@given(poses(), st.booleans())
def test_poses_and_transforms(T: np.ndarray, is_inverted: bool) -> None:
    np.testing.assert_allclose(pose_from_msg(pose_to_msg(T)), T, atol=1e-9)
    message = maybe_inverted(T, 1, "odom", "base", is_inverted)
    back = transform_from_msg(message.transform)
    np.testing.assert_allclose(np.linalg.inv(back) if is_inverted else back, T, atol=1e-7)
    assert (message.header.frame_id == "base") == is_inverted


@given(st.sampled_from(["x", "y", "z"]), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_a_pose_that_is_not_finite_is_refused(axis: str, value: float) -> None:
    pose = Pose()
    setattr(pose.position, axis, value)
    with pytest.raises(TrajectoryError):
        pose_from_msg(pose)


@settings(deadline=None, max_examples=50)
@given(poses(), covariances(), poses())
def test_a_pose_comes_back_from_odometry_and_status(
    T: np.ndarray, covariance: np.ndarray, T_map_odom: np.ndarray
) -> None:
    mount = CameraMount(T_base_optical(0.3, -0.1, 0.2, 0.1, -0.2, 0.5))
    estimate = Estimate(
        stamp_ns=5,
        tracking=Tracking.TRACKING,
        T_world_camera=T,
        covariance=covariance,
        twist=np.arange(6.0),
        twist_covariance=np.eye(6),
        depth=None,
        is_keyframe=False,
        reason="",
        seconds={},
        quality=0.5,
    )
    odometry = odometry_to_msg(estimate, mount, "odom", "base")
    status = estimate_status("node", estimate, Health(), T_map_odom)
    said = map_to_odom(status)
    assert said is not None
    np.testing.assert_array_equal(said[:3], T_map_odom[:3])
    back = pose_from_msgs(odometry, status, said, mount)
    T_map_base = T_map_odom @ mount.T_odom_base(T)
    np.testing.assert_allclose(back.T_odom_camera, T, atol=1e-5)
    np.testing.assert_allclose(back.odom_covariance, covariance, atol=1e-8)
    np.testing.assert_allclose(mount.T_odom_base(back.T_map_camera), T_map_base, atol=1e-5)
    # map_covariance is the same one along other axes.
    assert np.trace(back.map_covariance[3:, 3:]) == pytest.approx(np.trace(covariance[3:, 3:]))
