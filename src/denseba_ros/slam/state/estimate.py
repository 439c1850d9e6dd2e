"""Results of the SLAM system for one image: state, pose, covariance, depth, keyframe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.state.metric_scale import UNKNOWN_SCALE, MetricScale


class Tracking(Enum):
    """State of the estimate. Only the pose of TRACKING is measured."""

    INITIALISING = "initialising"
    TRACKING = "tracking"
    LOST = "lost"


@dataclass(frozen=True)
class DepthMap:
    """Dense depth of one view: ``depth`` (h, w) float32 metres along z, NaN where unknown.

    ``sigma`` (h, w) float32 is the standard deviation of the depth in metres, NaN where unknown.
    ``calibration`` is the undistorted pinhole camera of this grid. ``image`` uint8 is the rectified
    grey image of the view, on this grid or a finer one, where it is known.
    """

    depth: np.ndarray
    sigma: np.ndarray
    calibration: Calibration
    image: np.ndarray | None = None


@dataclass(frozen=True)
class DepthParts:
    """What the dense depth of a keyframe is made of, all (h, w) float32.

    ``inverse_depth`` (1/m) and ``relative_sigma`` everywhere, ``network`` the depth model's inverse
    depth at the scale of the map, ``points`` the mean inverse depth of the points in each cell and
    ``point_weight`` their weight, 0 where there is none.
    """

    inverse_depth: np.ndarray
    relative_sigma: np.ndarray
    network: np.ndarray
    points: np.ndarray
    point_weight: np.ndarray


@dataclass(frozen=True)
class Keyframe:
    """One keyframe of the window, copied from the device.

    ``T_world_camera`` (4, 4) float64; ``image`` (h, w) uint8 grey, rectified, on the grid of
    ``depth``; ``first_depth`` (h, w) float32 metres, its initial depth before the first bundle
    adjustment, certain or not; ``parts``: what ``depth`` is made of.
    """

    id: int
    stamp_ns: int
    T_world_camera: np.ndarray
    depth: DepthMap
    image: np.ndarray
    first_depth: np.ndarray | None = None
    parts: DepthParts | None = None


@dataclass(frozen=True)
class Estimate:
    """Result for one image.

    Attributes:
        stamp_ns: stamp of the image.
        tracking: INITIALISING, TRACKING or LOST.
        T_world_camera: (4, 4) float64, optical camera frame to the odometry frame, which is the
            first camera's frame (x right, y down, z forward). The last known or predicted pose
            when not TRACKING.
        covariance: (6, 6) float64 of (translation, rotation): errors of the position and of the
            rotation about fixed axes (R_true = exp(theta) R), both along the odometry frame's axes.
            Of the pose in metres: the deviation of ``metric_scale`` is a part of it, in proportion
            to the distance from the frame's origin.
        twist: (6,) float64, linear and angular velocity of the camera in its optical frame.
        twist_covariance: (6, 6) float64, of metres a second as well.
        depth: depth seen from this image, None when unknown.
        is_keyframe: this image became a keyframe.
        reason: why the pose is not measured; empty where it is.
        seconds: time spent per stage: "frontend", "tracking", "backend", "depth" where rendered.
        quality: ratio (0-1) of the keyframe's points that are inliers in the image; 0 when not
            measured.
        is_map_updated: the keyframes are others than at the image before, and so is their depth.
        map_motion: (4, 4) float64 by which poses in the map of the image before are multiplied from
            the left to be in that of this one, where adjustment moved the map; None: it did not.
        metric_scale: metres per unit of poses, twist and depth, as far as it is known.
        imu: what a user should know of the IMU, None without one.
    """

    stamp_ns: int
    tracking: Tracking
    T_world_camera: np.ndarray
    covariance: np.ndarray
    twist: np.ndarray
    twist_covariance: np.ndarray
    depth: DepthMap | None
    is_keyframe: bool
    reason: str
    seconds: dict[str, float]
    quality: float = 0.0
    is_map_updated: bool = False
    map_motion: np.ndarray | None = None
    metric_scale: MetricScale = UNKNOWN_SCALE
    imu: ImuStatus | None = None

    @property
    def is_measured(self) -> bool:
        """Whether the image itself gave the pose: only then does it count as tracked."""
        return self.tracking is Tracking.TRACKING and not self.reason

    @property
    def counts_as(self) -> Tracking:
        """The state that is counted and published: never TRACKING without a measured pose."""
        is_doubtful = self.tracking is Tracking.TRACKING and not self.is_measured
        return Tracking.INITIALISING if is_doubtful else self.tracking
