"""The SLAM system without ROS: images of one camera in, estimates out. ``process_frame`` is the
algorithm: predict, track, and for a new keyframe create, adjust and marginalise. What there is to
work with depends on the state (``state.system_state``)."""

from __future__ import annotations

import math

import numpy as np
import torch

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.errors import ConfigurationError, ImageError
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.frontend.frontend import Frontend
from denseba_ros.geometry import se3
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.components import Components
from denseba_ros.slam.mapping.keyframe_selection import needs_keyframe
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.scale_drift import ScaleDriftFilter
from denseba_ros.slam.state.estimate import Estimate, Keyframe, Tracking
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.state.pose_estimator import PoseEstimator
from denseba_ros.slam.state.stage_timer import StageTimer
from denseba_ros.slam.state.system_state import (
    InitialisingState,
    LostState,
    SystemState,
    TrackingState,
)
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Alignment
from denseba_ros.slam.tracking.tracking_quality import reason_lost

# After so many lost images in a row the map is given up for a new one, at its last pose and scale.
_GIVE_UP = 8


class System:
    """Call ``process`` in time order; ``keyframes`` are those of the window, oldest first, and
    ``finished_keyframes`` those that left it since the last call (their depth is final)."""

    def __init__(self, config: Config, calibration: Calibration | None = None) -> None:
        """Without a ``calibration`` there is no frontend: only ``process_frame`` works then.

        Raises:
            ConfigurationError: when a model is missing, or the device is not there.
        """
        self.config = config
        self._frontend = None if calibration is None else Frontend(config, calibration)
        self._make = Components(config)
        self.reset()

    @property
    def frontend(self) -> Frontend:
        """Raises ConfigurationError when the system was made without a calibration."""
        if self._frontend is None:
            raise ConfigurationError("a system without a calibration takes frames, not images")
        return self._frontend

    def reset(self) -> None:
        """Forget everything; the next image begins a new odometry frame."""
        if self._frontend is not None:
            self._frontend.reset()
        if self._make.relocaliser is not None:
            self._make.relocaliser.forget()
        self._camera: Pinhole | None = None
        self._pose = PoseEstimator()
        self._scale_drift = ScaleDriftFilter(self.config.frontend.scale_drift)
        self._finished: list[Keyframe] = []
        self._state: SystemState = self._initialising(is_after_lost=False)

    def process(self, stamp_ns: int, image: np.ndarray) -> Estimate:
        """Estimate for one image, (H, W) or (H, W, 3) BGR uint8, stamp in nanoseconds.

        Raises:
            ImageError: when the image does not fit the calibration or has another type.
            ConfigurationError: when the system was made without a calibration.
        """
        timer = StageTimer()
        frame = self.frontend.process(stamp_ns, image)  # rectify; priors of depth and motion
        timer.lap("frontend")
        return self.process_frame(frame, timer)

    @torch.no_grad()
    def process_frame(self, frame: FrontendFrame, timer: StageTimer | None = None) -> Estimate:
        """Estimate for one frame of a frontend; ``timer`` has the frontend's time already.

        Raises:
            ImageError: when the camera is not the one of the frames before.
        """
        timer = timer or StageTimer()
        image, camera = Frame.prepare(frame), Pinhole.from_calibration(frame.calibration)
        if camera != (self._camera or camera):
            raise ImageError("the camera changed; reset before images of another camera")
        self._camera = camera
        state = self._state
        if isinstance(state, InitialisingState):
            tracked = self._relocalise(camera, image) if state.is_after_lost else None
            if tracked is None:
                return self._initialise(state, camera, image, timer)
        else:
            T_predicted, affine = self._pose.predict(frame, state.tracker.keyframe)
            alignment = state.tracker.track(self._make.tracker(camera), image, T_predicted, affine)
            tracked = state.mapper, alignment
            if reason := reason_lost(alignment):
                tracked = self._relocalise(camera, image)
                if tracked is None:
                    return self._handle_lost(state, image, reason, timer)
        timer.lap("tracking")
        return self._commit(*tracked, image, timer)

    def keyframes(self) -> list[Keyframe]:
        """Keyframes of the window, oldest first."""
        return self._mapper.views() if self._mapper else []

    def newest_keyframe(self) -> Keyframe | None:
        """The last of ``keyframes``, without the cost of the others; None where there is none."""
        return self._mapper.views(self._mapper.keyframes[-1:])[0] if self._mapper else None

    def keyframe_poses(self) -> list[np.ndarray]:
        """T_world_camera (4, 4) float64 of the keyframes of the window, oldest first."""
        window = self._mapper.keyframes if self._mapper else []
        return [se3.inverse(keyframe.T).cpu().numpy() for keyframe in window]

    def finished_keyframes(self) -> list[Keyframe]:
        """Keyframes that left the window since the last call, each given once."""
        finished, self._finished = self._finished, []
        return finished

    @property
    def _mapper(self) -> LocalMapper | None:
        return None if isinstance(self._state, InitialisingState) else self._state.mapper

    def reconfigure(self, config: Config) -> None:
        """Take over what may change between two images: the fields marked ``live``."""
        self.config = self._make.config = config

    def change_camera(self, calibration: Calibration) -> None:
        """Forget everything but the models; the next image is of another camera."""
        self.frontend.change_camera(calibration)
        self.reset()

    def _commit(
        self, mapper: LocalMapper, alignment: Alignment, image: Frame, timer: StageTimer
    ) -> Estimate:
        """Take a tracked pose over; where the image brings something new, it is a keyframe."""
        if isinstance(self._state, LostState):
            self._state = TrackingState(self._state.mapper, self._state.tracker)
        frame, camera = image.frame, mapper.camera
        T, covariance = self._pose.update(frame, alignment, mapper.keyframes[-1])
        is_keyframe = needs_keyframe(self.config.keyframes, camera, alignment)
        if is_keyframe:
            mapper.add(image, T, alignment.affine)
            self._adjust(mapper, frame)
            self._finished += mapper.views(mapper.marginalise())
            self._set_reference(mapper)
            self._pose.refine(mapper.keyframes[-1].T)
        self._pose.propagate(camera, mapper.keyframes, frame, alignment, is_keyframe)
        timer.lap("backend")
        has_depth = is_keyframe or self.config.depth_every_frame
        depth = mapper.depth_map(self._pose.T) if has_depth else None
        if has_depth:
            timer.lap("depth")
        quality = min(alignment.inliers, alignment.visible)
        return self._pose.estimate(
            frame.stamp_ns, Tracking.TRACKING, timer, depth, is_keyframe, "", covariance, quality
        )

    def _adjust(self, mapper: LocalMapper, frame: FrontendFrame) -> None:
        """Bundle adjustment of the window; then the drift of its scale is corrected."""
        if len(mapper.keyframes) > 1:
            mapper.adjust(self.config.backend.iterations)
            growth = self._scale_drift.log_correction(mapper.keyframes, frame)
            if growth != 0.0:
                mapper.window.rescale(math.exp(growth), about=-1)
                self._pose.rescale(math.exp(growth))

    def _set_reference(self, mapper: LocalMapper) -> None:
        """Track against the newest keyframe from now on."""
        camera, keyframe = mapper.camera, mapper.keyframes[-1]
        self._state = TrackingState(mapper, KeyframeTracker(self._make.tracker(camera), keyframe))
        if self._make.relocaliser is not None:
            self._make.relocaliser.remember(keyframe)
        self._pose.set_keyframes(camera, mapper.keyframes)

    def _initialise(
        self, state: InitialisingState, camera: Pinhole, image: Frame, timer: StageTimer
    ) -> Estimate:
        """The first keyframes of a map, or what little of the motion shows before."""
        stamp_ns = image.frame.stamp_ns
        mapper = state.initialiser.process(image, self._pose.T, lambda: self._make.mapper(camera))
        if mapper is None:
            timer.lap("tracking")
            return self._report_initialising(state, stamp_ns, timer)
        self._set_reference(mapper)
        self._pose.initialise(stamp_ns, mapper.keyframes[-1].T, state.is_after_lost)
        timer.skip("tracking")
        timer.lap("backend")
        depth = mapper.depth_map(self._pose.T)
        timer.lap("depth")
        return self._pose.estimate(stamp_ns, Tracking.TRACKING, timer, depth, is_keyframe=True)

    def _report_initialising(
        self, state: InitialisingState, stamp_ns: int, timer: StageTimer
    ) -> Estimate:
        """Before there is parallax: the rotation, and the translation at the prior's depth."""
        covariance, reason = None, state.initialiser.reason
        tracking = Tracking.LOST if state.is_after_lost else Tracking.INITIALISING
        if (T := state.initialiser.T_image_world) is not None:
            tracking = Tracking.TRACKING
            covariance = self._pose.set_approximate(stamp_ns, T, state.initialiser.median_depth)
        return self._pose.estimate(stamp_ns, tracking, timer, None, False, reason, covariance)

    def _initialising(self, is_after_lost: bool) -> InitialisingState:
        initialiser = self._make.initialiser(self._scale_drift, self._pose.median_depth)
        return InitialisingState(initialiser, is_after_lost)

    def _handle_lost(
        self, state: TrackingState | LostState, image: Frame, reason: str, timer: StageTimer
    ) -> Estimate:
        """Keep the predicted pose; after a while give the map up for a new one."""
        timer.lap("tracking")
        images = state.images + 1 if isinstance(state, LostState) else 1
        self._pose.coast(image.frame.stamp_ns)
        self._state = LostState(state.mapper, state.tracker, images)
        if images >= _GIVE_UP:
            self._finished += state.mapper.views()
            self._state = self._initialising(is_after_lost=True)
        return self._pose.estimate(image.frame.stamp_ns, Tracking.LOST, timer, reason=reason)

    def _relocalise(self, camera: Pinhole, image: Frame) -> tuple[LocalMapper, Alignment] | None:
        """Align with whichever of the last keyframes the image shows, and go on from there."""
        relocaliser, tracker = self._make.relocaliser, self._make.tracker(camera)
        found = None if relocaliser is None else relocaliser.align(tracker, image)
        return None if found is None else (self._restart_window(camera, found[0]), found[1])

    def _restart_window(self, camera: Pinhole, keyframe: WindowKeyframe) -> LocalMapper:
        """Make a keyframe the newest; where it is not, the window begins anew with it."""
        if (mapper := self._mapper) is not None:
            if mapper.keyframes[-1] is keyframe:
                return mapper
            self._finished += mapper.views([k for k in mapper.keyframes if k is not keyframe])
        mapper = self._make.mapper(camera)
        mapper.reseed(keyframe)
        self._set_reference(mapper)
        return mapper
