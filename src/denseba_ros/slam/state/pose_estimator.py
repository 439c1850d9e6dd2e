"""Pose, velocity and covariance of the camera, image by image, in the world of the map."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.rotation_links import MeasuredTurn
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.slam.inertial.standstill import SeenPose
from denseba_ros.slam.initialisation.approximate_pose import UNMOVED, ApproximatePose
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.mapping.local_mapping import MapUpdate
from denseba_ros.slam.scale.scale_drift import MapScale
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Tracking
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.state.metric_scale import MetricScale
from denseba_ros.slam.state.pose_covariance import PoseCovariance
from denseba_ros.slam.state.stage_timer import StageTimer
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.motion_model import ImuMotion, MotionModel
from denseba_ros.slam.tracking.tracker import Alignment, Tracker, frame_information
from denseba_ros.slam.tracking.turn_check import (
    fitting_better,
    image_rotation,
    needs_image_alone,
)


class PoseEstimator:
    """Pose, velocity and covariance from the results of tracking and mapping.

    ``is_map_updated``: the map is another since the last ``estimate``. ``median_depth`` of the
    newest keyframe's points, None before the first map; it is kept when a map is dropped. ``imu``
    as of ``MotionModel``.
    """

    def __init__(self, imu: ImuMotion | None = None) -> None:
        self.median_depth: float | None = None
        self.is_map_updated = False
        self._map_motion: np.ndarray | None = None
        self._motion = MotionModel(imu)
        self._path = PoseCovariance(None if imu is None else imu.turn)
        self._imu = imu
        self._scale = MapScale()
        # What an IMU first told of the unit.
        self._first_unit: MetricScale | None = None
        # Stamp of a keyframe from which the gyroscope's turns did not fit the images.
        self._doubted_ns: int | None = None

    @property
    def T(self) -> Tensor:
        """T_camera_world (4, 4) float64 of the last image."""
        return self._motion.T

    @property
    def displacement(self) -> float:
        """As ``PoseCovariance`` has it."""
        return self._path.displacement

    def track(self, reference: KeyframeTracker, tracker: Tracker, image: Frame) -> Alignment:
        """Align an image with a keyframe: with the gyroscope's turn where there is one, and without
        where that does not fit the image. Then no turn from that keyframe is used any more."""
        keyframe, frame = reference.keyframe, image.frame
        is_imu_used = keyframe.stamp_ns != self._doubted_ns
        alignment = reference.track(tracker, image, *self.predict(frame, keyframe, is_imu_used))
        if not needs_image_alone(alignment):
            return alignment
        alone = reference.track(tracker, image, *self.predict(frame, keyframe, False))
        better = fitting_better(alignment, alone)
        if better is alone:
            self._doubted_ns = keyframe.stamp_ns
        return better

    def predict(
        self, frame: FrontendFrame, keyframe: WindowKeyframe, is_imu_used: bool = True
    ) -> tuple[Tensor, Tensor, MeasuredTurn | None]:
        """T_image_keyframe (4, 4) and brightness (2,) that are expected of the next image, and its
        turn from the keyframe where a gyroscope measured that; without ``is_imu_used`` as if there
        were none."""
        predicted = self._motion.predict(frame.stamp_ns, frame.motion, is_imu_used)
        T = predicted @ se3.inverse(keyframe.T)
        imu = self._imu if is_imu_used else None
        turn = None if imu is None else imu.turn(keyframe.stamp_ns, frame.stamp_ns)
        return T, self._motion.affine_or(keyframe.affine), turn

    def update(
        self, frame: FrontendFrame, alignment: Alignment, keyframe: WindowKeyframe
    ) -> tuple[Tensor, Tensor]:
        """Take a measured pose over: T_camera_world (4, 4), covariance (6, 6) of its alignment."""
        # Each product with an inverse triples the deviation from a rotation, so it is removed.
        T = se3.orthonormalised(alignment.T @ keyframe.T)
        self._motion.update(frame.stamp_ns, T, alignment.affine)
        covariance = torch.linalg.pinv(frame_information(alignment), hermitian=True)
        if self._imu is not None:
            alone = image_rotation(alignment)
            seen = SeenPose(
                frame.stamp_ns,
                T.cpu().numpy(),
                keyframe.stamp_ns,
                alignment.T.cpu().numpy(),
                self.median_depth or 1.0,
                alone.R,
                math.sqrt(float(alone.covariance.diagonal().max())),
            )
            self._imu.saw(seen)
        return T, covariance

    def predicted(self, frame: FrontendFrame) -> Tensor:
        """T_camera_world (4, 4) that is expected of the next image."""
        return self._motion.predict(frame.stamp_ns, frame.motion)

    def move_with(self, update: MapUpdate, is_new_map: bool = False) -> None:
        """Carry the pose over into an updated map; ``is_new_map``: that takes the place of another
        of the same images, and what the pose changes by is not motion.

        Images that were tracked since its newest keyframe keep their motion relative to that.
        """
        self._motion.rescale(update.growth)
        self._path.reference_changed()
        tracked, refined = update.keyframe, update.local_map.newest
        if self._motion.stamp_ns == tracked.image.frame.stamp_ns:
            before = self.T
            self._motion.set_refined(refined.T)
            if is_new_map:
                self._add_map_motion(before)
            return
        before = self.T
        T_image_keyframe = before @ se3.inverse(tracked.T)
        T_image_keyframe[:3, 3] *= update.growth
        brightness = self._motion.affine_or(tracked.affine) + refined.affine - tracked.affine
        self._motion.set_refined(se3.orthonormalised(T_image_keyframe @ refined.T), brightness)
        self._add_map_motion(before)

    def _add_map_motion(self, before: Tensor) -> None:
        """The map moved the pose of the last image, which was T_camera_world ``before`` (4, 4)."""
        motion = (se3.inverse(self.T) @ before).cpu().numpy()
        self._map_motion = motion if self._map_motion is None else motion @ self._map_motion

    def set_scale(self, scale: MapScale) -> None:
        """What is known of the map's scale from now on."""
        self._scale = scale
        self._set_drift()

    def _set_drift(self) -> None:
        """How far the map's scale drifted since the start: by an IMU where that knows it better."""
        sigma = self._scale.drift_sigma
        motion = None if self._imu is None else self._imu.motion
        if motion is not None:
            unit = motion.scale
            first = self._first_unit = self._first_unit or unit
            change = unit.log_factor - first.log_factor
            sigma = min(sigma, math.sqrt(change**2 + unit.sigma**2 + first.sigma**2))
        self._path.scale_sigma = sigma

    def set_map(self, local_map: LocalMap) -> None:
        """Update median depth and motion covariance from the adjusted map."""
        self.is_map_updated = True
        if self._imu is not None:
            self._imu.motion = local_map.motion
        self._set_drift()
        self.median_depth = local_map.newest.points.median_depth
        self._path.adjusted(local_map.camera, local_map.keyframes)

    def propagate(
        self, local_map: LocalMap, frame: FrontendFrame, alignment: Alignment, is_keyframe: bool
    ) -> None:
        """Propagate the covariance to a tracked image."""
        if not is_keyframe and len(local_map.keyframes) == 1:
            self._path.tracked(local_map.camera, local_map.newest, self.T, frame.stamp_ns)
        self._path.propagate(se3.inverse(self.T), alignment.flow, is_keyframe)
        if local_map.newest.stamp_ns == frame.stamp_ns:
            self._path.reference_changed()

    def coast(self, stamp_ns: int) -> None:
        """An image without a measured pose: the pose is predicted."""
        self._motion.coast(stamp_ns)

    def initialise(self, stamp_ns: int, T: Tensor) -> None:
        """The first pose T_camera_world (4, 4) of a map."""
        missed = self._motion.lost_covariance(self.median_depth or 1.0)
        self._path.initialise(se3.inverse(T), missed)
        self._motion.restart(stamp_ns, T)

    def set_approximate(self, stamp_ns: int, pose: ApproximatePose, median_depth: float) -> None:
        """A rough pose before there is a map, of a scene with ``median_depth``."""
        self._motion.set_approximate(stamp_ns, pose.T)
        self._path.set_guess(se3.inverse(self.T), pose.covariance(median_depth))

    def set_unknown(self, frame: FrontendFrame) -> None:
        """An image that shows nothing of the one before, of whose motion there is no other sign."""
        T = self.predicted(frame)
        self.set_approximate(frame.stamp_ns, UNMOVED.predicted(T), self.median_depth or 1.0)

    def estimate(
        self,
        stamp_ns: int,
        tracking: Tracking,
        timer: StageTimer,
        depth: DepthMap | None = None,
        is_keyframe: bool = False,
        reason: str = "",
        step_covariance: Tensor | None = None,
        quality: float = 0.0,
    ) -> Estimate:
        """The present pose with its covariance and velocity; ``step_covariance`` (6, 6) of the
        alignment, along the camera's axes."""
        lost = self._motion.lost_covariance(self.median_depth or 1.0)
        step = self._path.step + lost
        if step_covariance is not None:
            step = step + 2.0 * step_covariance.cpu()
        twist, twist_covariance = self._motion.twist(step)
        scale = self._scale.metric
        if self._imu is not None and self._imu.motion is not None:
            scale = scale.fused(self._imu.motion.scale)
        is_map_updated, self.is_map_updated = self.is_map_updated, False
        map_motion, self._map_motion = self._map_motion, None
        T = se3.inverse(self.T).cpu()
        rotation = torch.kron(torch.eye(2, dtype=T.dtype), T[:3, :3])
        covariance = (self._path.covariance + rotation @ lost @ rotation.T).numpy()
        return Estimate(
            stamp_ns=stamp_ns,
            tracking=tracking,
            T_world_camera=T.numpy(),
            covariance=covariance + scale.covariance(T[:3, 3].numpy()),
            twist=twist.numpy(),
            twist_covariance=twist_covariance.numpy() + scale.covariance(twist[:3].numpy()),
            depth=depth,
            is_keyframe=is_keyframe,
            reason=reason,
            seconds=timer.seconds,
            quality=quality,
            is_map_updated=is_map_updated,
            map_motion=map_motion,
            metric_scale=scale,
            imu=None if self._imu is None else self._imu.status,
        )
