"""Values of sensor_msgs/Imu, of a topic (rclpy) or of a bag (rosbags, both ROS)."""

from __future__ import annotations

from typing import Any

IMU = "sensor_msgs/msg/Imu"
_Vector = tuple[float, float, float]


def values_of_imu_message(message: Any) -> tuple[_Vector, _Vector]:
    """Angular velocity (rad/s) and specific force (m/s2), as REP 145 has them in ``imu/data_raw``
    and ``imu/data``; the orientation is not used."""
    rate, force = message.angular_velocity, message.linear_acceleration
    return (
        (float(rate.x), float(rate.y), float(rate.z)),
        (float(force.x), float(force.y), float(force.z)),
    )
