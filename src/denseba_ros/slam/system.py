"""The SLAM system without ROS: images of one camera in, estimates out. ``process_frame`` is the
algorithm: predict, track, and for a new keyframe create, adjust and marginalise. What there is to
work with depends on the state (``state.system_state``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

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
from denseba_ros.imu.source import ImuSource
from denseba_ros.slam.components import Components
from denseba_ros.slam.initialisation.map_initialisation import MapInitialiser
from denseba_ros.slam.mapping.keyframe_selection import needs_keyframe
from denseba_ros.slam.mapping.local_map import LocalMap, keyframe_views
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.local_mapping import LocalMapping, NewKeyframe
from denseba_ros.slam.mapping.window_history import WindowHistory, dissolved
from denseba_ros.slam.state.estimate import Estimate, Keyframe, Tracking
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.state.image_depth import ImageDepth, Listener, with_image
from denseba_ros.slam.state.pose_estimator import PoseEstimator
from denseba_ros.slam.state.stage_timer import StageTimer
from denseba_ros.slam.state.system_state import (
    InitialisingState,
    LostState,
    MapState,
    SystemState,
    TrackingState,
)
from denseba_ros.slam.tracking.image_content import reason_empty
from denseba_ros.slam.tracking.keyframe_tracker import KeyframeTracker
from denseba_ros.slam.tracking.tracker import Alignment
from denseba_ros.slam.tracking.tracking_quality import reason_lost

# After so many lost images in a row the map is given up for a new one, at its last pose and scale.
_GIVE_UP = 8


class System:
    """Call ``process`` in time order; ``keyframes`` are those of the window, oldest first, and
    ``finished_keyframes`` those that left it since the last call (their depth is final).
    ``history`` is for a larger map. ``is_behind``, to be set, says that images wait: then mapping
    gives way to tracking; ``is_urgent``, that one is worked on, to which a larger map gives way;
    ``wants_depth``, whether each image shall have a depth, else only new keyframes do."""

    def __init__(
        self, config: Config, calibration: Calibration | None = None, is_live: bool = False
    ) -> None:
        """Without a ``calibration`` there is no frontend: only ``process_frame`` works then.

        ``is_live``: keyframes are adjusted in a second thread, and images do not wait for that.
        Otherwise each waits (lockstep), and the same images give the same result.

        Raises:
            ConfigurationError: when a model is missing, or the device is not there.
        """
        self.config, self._is_live = config, is_live
        self.is_behind, self.is_urgent, self.wants_depth = False, False, True
        self._frontend = None if calibration is None else Frontend(config, calibration)
        self._make = Components(config)
        self._scale_drift = self._make.scale_filter()
        self._mapping = LocalMapping(self._scale_drift, self._make.device, is_live)
        self._image_depth = ImageDepth(is_live)
        self.history = WindowHistory()
        self.reset()

    @property
    def frontend(self) -> Frontend:
        """Raises ConfigurationError when the system was made without a calibration."""
        if self._frontend is None:
            raise ConfigurationError("a system without a calibration takes frames, not images")
        return self._frontend

    def reset(self) -> None:
        """Forget everything; the next image begins a new odometry frame."""
        self._mapping.discard()
        self._image_depth.forget()
        if self._frontend is not None:
            self._frontend.reset()
        if self._make.relocaliser is not None:
            self._make.relocaliser.forget()
        self._camera: Pinhole | None = None
        self._pose = PoseEstimator(self._make.imu.prediction)
        self._scale_drift.reset()
        self._finished: list[Keyframe] = []
        self.history.take()
        self._had_map = False
        self._state: SystemState = self._initialising()

    def process(
        self, stamp_ns: int, image: np.ndarray, depth: np.ndarray | None = None
    ) -> Estimate:
        """Estimate for one image, (H, W) or (H, W, 3) BGR uint8, stamp in nanoseconds; ``depth``
        as in ``Frontend.process``.

        Raises:
            ImageError: when image or depth do not fit the calibration or have another type.
            ConfigurationError: when the system was made without a calibration.
        """
        timer = StageTimer()
        frame = self.frontend.process(stamp_ns, image, depth)  # rectify; priors
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
        with self._mapping.tracking(self.is_behind):
            return self._estimate(camera, image, timer)

    def _estimate(self, camera: Pinhole, image: Frame, timer: StageTimer) -> Estimate:
        """Track an image, and make it a keyframe where it brings something new."""
        self._take_update(timer)
        state = self._state
        if empty := reason_empty(image):
            return self._coast(state, image, empty, timer)
        if isinstance(state, InitialisingState):
            tracked = self._relocalise(camera, image) if state.is_after_lost else None
            if tracked is None:
                return self._initialise(state, camera, image, timer)
        else:
            alignment = self._track(state, camera, image)
            if reason_lost(alignment) and self._take_added():
                alignment = self._track(self._map_state, camera, image)
            if reason_lost(alignment) and self._take_update(timer, is_awaited=True):
                alignment = self._track(self._map_state, camera, image)
            tracked = self._map_state, alignment
            if reason := reason_lost(alignment):
                tracked = self._relocalise(camera, image)
                if tracked is None:
                    return self._handle_lost(self._map_state, camera, image, reason, timer)
        timer.lap("tracking")
        return self._commit(*tracked, image, timer)

    def keyframes(self) -> list[Keyframe]:
        """Keyframes of the window, oldest first; none before an image was tracked against them."""
        state = self._state
        if isinstance(state, InitialisingState) or not state.is_confirmed:
            return []
        return state.local_map.views()

    def newest_keyframe(self) -> Keyframe | None:
        """The last of ``keyframes``, without the cost of the others; None where there is none."""
        local_map = self.local_map
        return keyframe_views(local_map.camera, [local_map.newest])[0] if local_map else None

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        """T_world_camera (4, 4) float64 of the keyframes of the window by stamp, oldest first."""
        return self.local_map.poses() if self.local_map else {}

    def finished_keyframes(self) -> list[Keyframe]:
        """Keyframes that left the window since the last call, each given once."""
        finished, self._finished = self._finished, []
        return finished

    def await_mapping(self) -> None:
        """Wait until no keyframe is being adjusted; the next image takes over what that gave."""
        self._mapping.await_update()

    @property
    def _map_state(self) -> MapState:
        assert not isinstance(self._state, InitialisingState)
        return self._state

    @property
    def local_map(self) -> LocalMap | None:
        """What images are tracked against at present."""
        return None if isinstance(self._state, InitialisingState) else self._state.local_map

    def on_image_depth(self, listener: Listener) -> None:
        """``listener`` gets stamp and depth of an image whose estimate came without, in a thread
        that is neither tracking nor mapping; only where the system is live."""
        self._image_depth.on_depth = listener

    def use_imu(self, source: ImuSource, T_imu_camera: np.ndarray | None = None) -> None:
        """As ``ImuAiding.use``; what it is used for ``imu.mode`` says."""
        self._make.imu.use(source, T_imu_camera)

    def reconfigure(self, config: Config) -> None:
        """Take over what may change between two images: the fields marked ``live``."""
        self.config = self._make.config = config

    def change_camera(self, calibration: Calibration) -> None:
        """Forget everything but the models; the next image is of another camera."""
        if self._frontend is not None:
            self._frontend.change_camera(calibration)
        self.reset()

    def _track(self, state: MapState, camera: Pinhole, image: Frame) -> Alignment:
        """Align an image with the newest keyframe of the local map."""
        return self._pose.track(state.tracker, self._make.tracker(camera), image)

    def _commit(
        self, state: MapState, alignment: Alignment, image: Frame, timer: StageTimer
    ) -> Estimate:
        """Take a tracked pose over; where the image brings something new, it is a keyframe."""
        frame, camera = image.frame, state.local_map.camera
        T, covariance = self._pose.update(frame, alignment, state.tracker.keyframe)
        initialiser, new_map, is_keyframe = state.initialiser, None, False
        if initialiser is not None and state.local_map.has_parallax(self.config.backend.window):
            initialiser = None
        if initialiser is not None:
            new_map = initialiser.refine(image, T, lambda: self._make.mapper(camera))
        if self._mapping.is_busy:
            new_map = None
        else:
            wanted = needs_keyframe(self.config.keyframes, camera, alignment)
            is_keyframe = wanted or new_map is not None
        self._had_map = True
        self._state = state.tracked(initialiser if new_map is None else None)
        if is_keyframe:
            keyframe = NewKeyframe(image, T, alignment.affine)
            mapper = state.mapper if new_map is None else new_map.mapper
            refine = None if new_map is None else new_map.create_and_refine
            self._mapping.submit(mapper, self._make.tracker(camera), keyframe, refine)
            if not self._is_live:
                self._take_update(timer)
        local_map = self._map_state.local_map
        self._pose.propagate(local_map, frame, alignment, is_keyframe)
        timer.lap("backend")
        is_wanted = self.wants_depth or self._pose.is_map_updated
        is_own = self.wants_depth and self.config.frontend.depth_every == "frame"
        depth = self._image_depth.of(image, local_map, self._pose.T, is_wanted, is_own)
        if depth is not None:
            timer.lap("depth")
        quality = min(alignment.inliers, alignment.visible)
        return self._pose.estimate(
            frame.stamp_ns, Tracking.TRACKING, timer, depth, is_keyframe, "", covariance, quality
        )

    def _take_update(self, timer: StageTimer, is_awaited: bool = False) -> bool:
        """Once the local map has taken a keyframe in, track against that; whether it has now."""
        update = self._mapping.take(is_awaited)
        if update is None:
            return False
        timer.seconds["mapping"] = update.seconds
        state, is_new_map = self._map_state, update.mapper is not self._map_state.mapper
        if is_new_map:
            refined = {k.stamp_ns for k in update.local_map.keyframes}
            self._dissolve(state.local_map, refined, is_replaced=True)
            if self._make.relocaliser is not None:
                self._make.relocaliser.begin_map()
        self._finished += update.finished
        is_provisional = not is_new_map and state.initialiser is not None
        self.history.add(
            update.local_map, update.left, self._pose.displacement, update.growth, is_provisional
        )
        if self._make.relocaliser is not None and update.growth != 1.0:
            centre = se3.inverse(update.local_map.newest.T)[:3, 3]
            self._make.relocaliser.rescale(update.growth, centre)
        self._pose.set_scale(update.scale)
        self._set_reference(state.updated(update), [left.keyframe for left in update.left])
        self._pose.move_with(update, is_new_map)
        return True

    def _take_added(self) -> bool:
        """Track against the keyframe that is under way as it was before its adjustment, which is
        nearer than the last one; whether there is one."""
        added, state = self._mapping.take_added(), self._map_state
        if added is None:
            return False
        tracker = KeyframeTracker(self._make.tracker(state.local_map.camera), added)
        self._state = replace(state, tracker=tracker)
        return True

    def _set_reference(self, state: TrackingState, removed: list[WindowKeyframe]) -> None:
        """Track against the newest keyframe of ``state`` from now on."""
        self._state = state
        if self._make.relocaliser is not None:
            self._make.relocaliser.remember([*removed, *state.local_map.keyframes])
        self._pose.set_map(state.local_map)

    def _begin_map(
        self,
        mapper: LocalMapper,
        initialiser: MapInitialiser | None,
        is_confirmed: bool,
        keyframe: WindowKeyframe | None = None,
    ) -> TrackingState:
        """Track against the newest keyframe of a new map; ``keyframe``: one of a map before."""
        if self._make.relocaliser is not None:
            self._make.relocaliser.begin_map(keyframe)
        self._pose.set_scale(self._scale_drift.scale)
        local_map = mapper.snapshot()
        tracker = KeyframeTracker(self._make.tracker(mapper.camera), local_map.newest)
        state = TrackingState(mapper, local_map, tracker, initialiser, is_confirmed)
        self._set_reference(state, [])
        return state

    def _initialise(
        self,
        state: InitialisingState,
        camera: Pinhole,
        image: Frame,
        timer: StageTimer,
        reason: str = "the first image",
    ) -> Estimate:
        """The first keyframes of a map, or what little of the motion shows before; ``reason`` why
        the pose of an image that is the only one of a map is not measured."""
        stamp_ns, initialiser = image.frame.stamp_ns, state.initialiser
        T = self._pose.predicted(image.frame)
        new = initialiser.process(image, T, lambda: self._make.mapper(camera))
        if new is None:
            timer.lap("tracking")
            return self._report_initialising(state, stamp_ns, timer)
        new.create()
        if new.refine is not None and not self._is_live:
            new.refine()
        if state.is_after_lost:
            self._scale_drift.begin_map()
        if not initialiser.needs_two_views:
            self._scale_drift.begin_metric(image.frame)
        is_measured = new.refine is not None
        is_refined = is_measured or not initialiser.needs_two_views
        local_map = self._begin_map(
            new.mapper, None if is_refined else initialiser, is_measured
        ).local_map
        newest = local_map.newest
        self._pose.initialise(stamp_ns, newest.T)
        if new.refine is not None and self._is_live:
            keyframe = NewKeyframe(image, newest.T, newest.affine)
            self._mapping.submit(new.mapper, self._make.tracker(camera), keyframe, new.refine)
        self._had_map |= is_measured
        timer.skip("tracking")
        timer.lap("backend")
        depth = with_image(local_map.depth_map(self._pose.T), image)
        timer.lap("depth")
        if is_measured:
            return self._pose.estimate(stamp_ns, Tracking.TRACKING, timer, depth, is_keyframe=True)
        tracking = Tracking.LOST if state.is_after_lost else Tracking.INITIALISING
        return self._pose.estimate(stamp_ns, tracking, timer, depth, True, reason)

    def _report_initialising(
        self, state: InitialisingState, stamp_ns: int, timer: StageTimer
    ) -> Estimate:
        """Before there is a map: the rotation where it shows, else a prediction."""
        pose = state.initialiser.pose
        assert pose is not None
        self._pose.set_approximate(stamp_ns, pose, state.initialiser.median_depth)
        tracking = Tracking.LOST if state.is_after_lost else Tracking.INITIALISING
        reason = state.initialiser.reason
        return self._pose.estimate(stamp_ns, tracking, timer, None, False, reason)

    def _initialising(self) -> InitialisingState:
        initialiser = self._make.initialiser(self._pose.median_depth)
        return InitialisingState(initialiser, self._had_map)

    def _handle_lost(
        self, state: MapState, camera: Pinhole, image: Frame, reason: str, timer: StageTimer
    ) -> Estimate:
        """Keep the predicted pose; after a while give the map up for a new one."""
        timer.lap("tracking")
        images = state.images + 1 if isinstance(state, LostState) else 1
        if not state.is_confirmed:  # this image takes the place of the first
            self._pose.set_unknown(image.frame)
            self._state = begin = self._initialising()
            reason = f"not tracked against the first image, replaces it: {reason}"
            return self._initialise(begin, camera, image, timer, reason)
        self._pose.coast(image.frame.stamp_ns)
        self._state = state.lost(images)
        if images >= _GIVE_UP:
            self._dissolve(state.local_map)
            self._state = self._initialising()
        return self._pose.estimate(image.frame.stamp_ns, Tracking.LOST, timer, reason=reason)

    def _coast(self, state: SystemState, image: Frame, reason: str, timer: StageTimer) -> Estimate:
        """An image that shows nothing: the pose is predicted, and the map kept for better ones."""
        timer.lap("tracking")
        if not isinstance(state, InitialisingState) or state.initialiser.pose is not None:
            # Before the first image that shows something there is nothing to be uncertain about.
            self._pose.coast(image.frame.stamp_ns)
        tracking = Tracking.LOST if self._had_map else Tracking.INITIALISING
        if isinstance(state, TrackingState):
            self._state = state.lost(images=0)
        return self._pose.estimate(image.frame.stamp_ns, tracking, timer, reason=reason)

    def _relocalise(self, camera: Pinhole, image: Frame) -> tuple[MapState, Alignment] | None:
        """Align with whichever of the last keyframes the image shows, and go on from there."""
        relocaliser, tracker = self._make.relocaliser, self._make.tracker(camera)
        found = None if relocaliser is None else relocaliser.align(tracker, image)
        return None if found is None else (self._restart_window(camera, found[0]), found[1])

    def _restart_window(self, camera: Pinhole, keyframe: WindowKeyframe) -> MapState:
        """Make a keyframe the newest; where it is not, the window begins anew with it."""
        if not isinstance(self._state, InitialisingState):
            local_map = self._state.local_map
            if local_map.newest.stamp_ns == keyframe.stamp_ns:
                return self._state
            self._dissolve(local_map, {keyframe.stamp_ns})
        mapper = self._make.mapper(camera)
        mapper.reseed(keyframe.snapshot())
        self._scale_drift.begin_window()
        return self._begin_map(mapper, None, True, keyframe)

    def _dissolve(
        self, local_map: LocalMap, kept: Collection[int] = (), is_replaced: bool = False
    ) -> None:
        """Give a window up, but for its keyframes of the stamps ``kept``; ``is_replaced``: by a
        better one of the same place, so it leaves no history."""
        others = [k for k in local_map.keyframes if k.stamp_ns not in kept]
        self._finished += keyframe_views(local_map.camera, others)
        if not is_replaced:
            left = dissolved(local_map, kept)
            self.history.add(local_map, left, self._pose.displacement)
