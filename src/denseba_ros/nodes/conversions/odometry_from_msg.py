"""The way back from published odometry to the poses of the camera that it came from."""

from __future__ import annotations

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry

from denseba_ros.evaluation.results.recorded_pose import PoseState, RecordedPose
from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.conversions.poses import pose_from_msg
from denseba_ros.nodes.conversions.stamps import stamp_to_ns
from denseba_ros.nodes.outputs.diagnostics import (
    IN_MAP,
    MAP_TO_ODOM,
    PREDICTED_BEFORE,
    SCALE_DEVIATION,
)
from denseba_ros.nodes.outputs.estimate_outputs import UNKNOWN
from denseba_ros.slam.state.estimate import Tracking

# A little less than what is published: it was turned into the axes of the base.
_UNKNOWN_VARIANCE = 0.999 * float(UNKNOWN[0, 0])


def pose_from_msgs(
    odometry: Odometry,
    status: DiagnosticArray | None,
    T_map_odom: np.ndarray | None,
    mount: CameraMount,
    scale_deviation: float = float("nan"),
) -> RecordedPose:
    """Poses and covariances of the camera in odom and in map, in the first camera's axes.

    ``status`` is of the same stamp, None where none came; ``T_map_odom`` (4, 4), None while the
    place in the map is not known, and the metric scale's ``scale_deviation`` are those of that
    time; ``mount`` says where the camera sits.

    Raises:
        TrajectoryError: when the odometry is not a pose.
    """
    T_odom_base = pose_from_msg(odometry.pose.pose)
    T_map_base = (np.eye(4) if T_map_odom is None else T_map_odom) @ T_odom_base
    covariance = _square(odometry.pose.covariance)
    axes = np.eye(6) if T_map_odom is None else np.kron(np.eye(2), T_map_odom[:3, :3])
    # Base and camera with exchanged roles: the same formulas lead back.
    back = CameraMount(mount.T_camera_base)
    return RecordedPose(
        stamp_ns=stamp_to_ns(odometry.header.stamp),
        state=pose_state(odometry, status),
        T_odom_camera=mount.T_world_camera(T_odom_base),
        odom_covariance=back.pose_covariance(covariance, T_odom_base),
        T_map_camera=None if T_map_odom is None else mount.T_world_camera(T_map_base),
        map_covariance=back.pose_covariance(axes @ covariance @ axes.T, T_map_base),
        scale_deviation=scale_deviation,
    )


def pose_state(odometry: Odometry, status: DiagnosticArray | None) -> PoseState:
    """Where a published pose comes from, by the status of its image, None where none came."""
    if odometry.pose.covariance[0] >= _UNKNOWN_VARIANCE:
        return PoseState.LOST
    what = "" if status is None else status.status[0].message
    if what in (Tracking.LOST.value, Tracking.INITIALISING.value):
        return PoseState.LOST
    is_late = status is not None and status_values(status).get(PREDICTED_BEFORE) == "true"
    is_measured = what == Tracking.TRACKING.value and not is_late
    # All others are of images that were dropped.
    return PoseState.TRACKED if is_measured else PoseState.PREDICTED


def status_values(status: DiagnosticArray) -> dict[str, str]:
    """Keys and values of the status of one image."""
    return {value.key: value.value for value in status.status[0].values}


def is_of_processed(status: DiagnosticArray) -> bool:
    """Whether a status is of an image that was processed; that of another says nothing of poses."""
    return status.status[0].message in {state.value for state in Tracking}


def map_to_odom(status: DiagnosticArray) -> np.ndarray | None:
    """T_map_odom (4, 4) at a processed image, the identity where none is named; None while its
    place in the map was not known, and of an image that was dropped."""
    values = status_values(status)
    if not is_of_processed(status) or IN_MAP in values:
        return None
    T = np.eye(4)
    rows = values.get(MAP_TO_ODOM)
    if rows is not None:
        T[:3] = np.array([float(v) for v in rows.split()]).reshape(3, 4)
    return T


def scale_deviation(status: DiagnosticArray) -> float | None:
    """Relative deviation of the metric scale at an image; None of one that was dropped."""
    said = status_values(status).get(SCALE_DEVIATION)
    return None if said is None else float(said)


def _square(covariance: np.ndarray) -> np.ndarray:
    return np.asarray(covariance, dtype=np.float64).reshape(6, 6)
