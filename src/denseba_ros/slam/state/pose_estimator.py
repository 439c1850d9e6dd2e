"""Pose, velocity and covariance of the camera, image by image, in the world of the map."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Tracking
from denseba_ros.slam.state.pose_covariance import PoseCovariance
from denseba_ros.slam.state.stage_timer import StageTimer
from denseba_ros.slam.tracking.motion_model import MotionModel
from denseba_ros.slam.tracking.tracker import Alignment, frame_information

# Deviations of a pose before there is parallax: translation in median depths, rotation in radians.
_INITIALISING_TRANSLATION, _INITIALISING_ROTATION = 0.03, 0.002


class PoseEstimator:
    """Pose, velocity and covariance from the results of tracking and mapping.

    ``median_depth`` of the newest keyframe's points, None before the first map; it is kept when a
    map is dropped.
    """

    def __init__(self) -> None:
        self.median_depth: float | None = None
        self._motion = MotionModel()
        self._path = PoseCovariance()

    @property
    def T(self) -> Tensor:
        """T_camera_world (4, 4) float64 of the last image."""
        return self._motion.T

    def predict(self, frame: FrontendFrame, keyframe: WindowKeyframe) -> tuple[Tensor, Tensor]:
        """T_image_keyframe (4, 4) and brightness (2,) that are expected of the next image."""
        T_image_world = self._motion.predict(frame.stamp_ns, frame.motion)
        return T_image_world @ se3.inverse(keyframe.T), self._motion.affine_or(keyframe.affine)

    def update(
        self, frame: FrontendFrame, alignment: Alignment, keyframe: WindowKeyframe
    ) -> tuple[Tensor, Tensor]:
        """Take a measured pose over: T_camera_world (4, 4), covariance (6, 6) of its alignment."""
        # Each product with an inverse triples the deviation from a rotation, so it is removed.
        T = se3.orthonormalised(alignment.T @ keyframe.T)
        self._motion.update(frame.stamp_ns, T, alignment.affine)
        return T, torch.linalg.pinv(frame_information(alignment), hermitian=True)

    def refine(self, T: Tensor) -> None:
        """Replace the pose by T_camera_world (4, 4) of the same image after bundle adjustment."""
        self._motion.set_refined(T)

    def rescale(self, factor: float) -> None:
        """Rescale the velocity after the map was scaled by ``factor`` about the camera."""
        self._motion.rescale(factor)

    def set_keyframes(self, camera: Pinhole, keyframes: list[WindowKeyframe]) -> None:
        """Update median depth and motion covariance from the adjusted window, oldest first."""
        points = keyframes[-1].points
        self.median_depth = float(1.0 / points.inverse_depth[points.valid].median())
        self._path.adjusted(camera, keyframes)

    def propagate(
        self,
        camera: Pinhole,
        keyframes: list[WindowKeyframe],
        frame: FrontendFrame,
        alignment: Alignment,
        is_keyframe: bool,
    ) -> None:
        """Propagate the covariance to a tracked image."""
        if not is_keyframe and len(keyframes) == 1:
            self._path.tracked(camera, keyframes[-1], self.T, frame.stamp_ns)
        self._path.propagate(se3.inverse(self.T), alignment.flow, is_keyframe)

    def coast(self, stamp_ns: int) -> None:
        """An image without a measured pose: the pose is predicted."""
        self._motion.coast(stamp_ns)

    def initialise(self, stamp_ns: int, T: Tensor, is_after_lost: bool) -> None:
        """The first pose T_camera_world (4, 4) of a map."""
        missed = self._motion.lost_covariance(self.median_depth or 1.0) if is_after_lost else None
        self._path.initialise(se3.inverse(T), missed)
        self._motion.restart(stamp_ns, T)

    def set_approximate(self, stamp_ns: int, T: Tensor, median_depth: float) -> Tensor:
        """A rough pose T_camera_world (4, 4) before there is a map; its covariance (6, 6)."""
        seconds = self._motion.gap(stamp_ns)
        self._motion.set_approximate(stamp_ns, T)
        deviations = [_INITIALISING_TRANSLATION * median_depth] * 3 + [_INITIALISING_ROTATION] * 3
        covariance = torch.diag(torch.tensor(deviations, dtype=torch.float64) ** 2)
        self._path.propagate_guess(se3.inverse(self.T), covariance, seconds)
        return covariance

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
        T = se3.inverse(self.T).cpu()
        rotation = torch.kron(torch.eye(2, dtype=T.dtype), T[:3, :3])
        return Estimate(
            stamp_ns=stamp_ns,
            tracking=tracking,
            T_world_camera=T.numpy(),
            covariance=(self._path.covariance + rotation @ lost @ rotation.T).numpy(),
            twist=twist.numpy(),
            twist_covariance=twist_covariance.numpy(),
            depth=depth,
            is_keyframe=is_keyframe,
            reason=reason,
            seconds=timer.seconds,
            quality=quality,
        )
