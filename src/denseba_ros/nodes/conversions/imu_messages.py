"""Samples of an IMU as sensor_msgs/Imu."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Vector3
from sensor_msgs.msg import Imu

from denseba_ros.nodes.conversions.stamps import make_header

# How sensor_msgs/Imu says that there is no orientation.
_NO_ORIENTATION = [-1.0, *[0.0] * 8]


def imu_to_msg(
    stamp_ns: int, gyroscope: np.ndarray, accelerometer: np.ndarray, frame_id: str
) -> Imu:
    """Angular velocity (3,) in rad/s and specific force (3,) in m/s2 along the axes of
    ``frame_id``."""
    message = Imu(header=make_header(stamp_ns, frame_id))
    message.orientation_covariance = _NO_ORIENTATION
    message.angular_velocity = _vector(gyroscope)
    message.linear_acceleration = _vector(accelerometer)
    return message


def _vector(values: np.ndarray) -> Vector3:
    x, y, z = (float(v) for v in values)
    return Vector3(x=x, y=y, z=z)
