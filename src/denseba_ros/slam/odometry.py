"""The SLAM loop: every frame is tracked; some become keyframes, on which the window adjusts."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor

from denseba_ros.backend.kernels.selection import choose_kernel
from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.config import Config
from denseba_ros.device import pick_device
from denseba_ros.errors import ImageError
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.initialisation.scale_initialisation import has_metric_scale, initialise_scale
from denseba_ros.slam.initialisation.two_view_initialisation import Start, TwoViewInitialiser
from denseba_ros.slam.mapping.depth_initialisation import search_depth, seed
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL, KNOWN_SCALE
from denseba_ros.slam.mapping.keyframe_selection import needs_keyframe
from denseba_ros.slam.mapping.local_mapper import LocalMapper
from denseba_ros.slam.mapping.scale_drift import ScaleDriftFilter
from denseba_ros.slam.state.depth_rendering import keyframe_view, render_depth
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe, Tracking
from denseba_ros.slam.state.frame import Frame
from denseba_ros.slam.state.pose_covariance import PoseCovariance
from denseba_ros.slam.tracking.corner_tracking import CornerTracker
from denseba_ros.slam.tracking.motion_model import MotionModel
from denseba_ros.slam.tracking.reference import CurrentView, Reference
from denseba_ros.slam.tracking.relocalisation import Place, make_relocaliser
from denseba_ros.slam.tracking.tracker import Alignment, Tracker, frame_information

_TRACK_LEVELS = (3, 2, 1)
# Rounds of adjustment on the first two keyframes, which start from two views alone.
START_ROUNDS = 4
_MIN_CORNER_INLIERS = 30
_MIN_INLIERS = 0.4
_MIN_VISIBLE = 0.2
_MIN_SIMILARITY = 0.7
# Deviations while waiting for parallax: translation in median depths, rotation in radians.
_WAITING_TRANSLATION, _WAITING_ROTATION = 0.03, 0.002
# After so many lost images in a row a new start is made, at the last pose and scale.
_GIVE_UP = 8


class Odometry:
    """Frontend frames in, estimates out. One call per image, in time order."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._noise = Noise(config.backend.intensity_noise, pixel=config.backend.pixel_noise)
        self._kernel = choose_kernel(config.backend.kernel, pick_device(config.device))
        self._relocaliser = make_relocaliser(
            config.tracker.relocalise, pick_device(config.device), config.seed
        )
        self.reset()

    def reconfigure(self, config: Config) -> None:
        """Take over what may change between two images: the fields marked ``live``."""
        self.config = config

    def reset(self) -> None:
        """Forget everything; the next image starts a new odometry frame."""
        self._camera: Pinhole | None = None
        self._mapper: LocalMapper | None = None
        self._reference: Reference | None = None
        self._corners: CornerTracker | None = None
        self._initialiser = self._make_initialiser()
        if self._relocaliser is not None:
            self._relocaliser.forget()
        self._motion_model = MotionModel()
        # T_camera_world of the image that a new start begins from.
        self._T_first = self._motion_model.T
        self._scale: float | None = None
        self._lost = 0
        self._finished: list[Keyframe] = []
        self._uncertainty = PoseCovariance()
        self._scale_drift = ScaleDriftFilter(self.config.frontend.scale_drift)

    def keyframes(self) -> list[Keyframe]:
        """Keyframes of the window, oldest first."""
        return [self._view(k) for k in self._mapper.keyframes] if self._mapper else []

    def finished_keyframes(self) -> list[Keyframe]:
        """Keyframes that left the window since the last call, each given once."""
        finished, self._finished = self._finished, []
        return finished

    @torch.no_grad()
    def process(self, frame: FrontendFrame) -> Estimate:
        """Estimate for one frame.

        Raises:
            ImageError: when the camera is not the one of the frames before.
        """
        started = time.perf_counter()
        image = Frame.prepare(frame)
        camera = Pinhole.from_calibration(frame.calibration)
        if self._camera is not None and camera != self._camera:
            raise ImageError("the camera changed; reset before images of another camera")
        self._camera = camera
        if self._mapper is None:
            found = self._relocalise(image) if self._lost else None
            if found is None:
                return self._initialise(image, started)
            return self._commit(image, found, time.perf_counter() - started)
        alignment = self._track(image)
        tracked = time.perf_counter() - started
        reason = _failure(alignment)
        if reason:
            found = self._relocalise(image)
            if found is None:
                return self._handle_lost(frame, reason, tracked)
            alignment, tracked = found, time.perf_counter() - started
        return self._commit(image, alignment, tracked)

    # -- start ---------------------------------------------------------------------------------

    def _initialise(self, image: Frame, started: float) -> Estimate:
        """First keyframe from a known depth, or first two from two views."""
        frame = image.frame
        # The depth model is asked once a start, and not again for each image that waits.
        asked = (self._initialiser.first or image).frame
        if float(asked.log_depth_sigma.median()) < KNOWN_SCALE:
            self._start_mapper(frame.device)
            self._add_keyframe(image, self._motion_model.T, _no_change(frame.device))
        else:
            start = self._initialiser.process(image)
            if self._initialiser.first is image:
                self._T_first = self._motion_model.T
            if start is None:
                return self._report_initialising(frame, started)
            self._start_from_two_views(start, image)
        assert self._mapper is not None
        missed = self._motion_model.lost_covariance(self._scale or 1.0) if self._lost else None
        self._uncertainty.initialise(se3.inverse(self._mapper.keyframes[-1].T), missed)
        self._lost = 0
        self._motion_model.restart(frame.stamp_ns, self._mapper.keyframes[-1].T)
        seconds = {"tracking": 0.0, "backend": time.perf_counter() - started}
        return self._estimate(frame, Tracking.TRACKING, self._depth(), True, "", seconds)

    def _make_initialiser(self) -> TwoViewInitialiser:
        matcher = self._relocaliser.pairs if self._relocaliser is not None else None
        return TwoViewInitialiser(self.config.tracker.features, matcher)

    def _report_initialising(self, frame: FrontendFrame, started: float) -> Estimate:
        """Until two views suffice: what little of the motion shows, at the prior's depth."""
        reason, motion = self._initialiser.reason, self._initialiser.motion
        seconds = {"tracking": time.perf_counter() - started}
        if motion is None or self._initialiser.first is None:
            state = Tracking.LOST if self._lost else Tracking.INITIALISING
            return self._estimate(frame, state, None, False, reason, seconds)
        depth = self._start_depth(self._initialiser.first.frame)
        T_now_first = torch.from_numpy(motion).to(self._T_first.device)
        T_now_first[:3, 3] *= depth
        seconds_since = self._motion_model.gap(frame.stamp_ns)
        self._motion_model.set_approximate(frame.stamp_ns, T_now_first @ self._T_first)
        deviations = [_WAITING_TRANSLATION * depth] * 3 + [_WAITING_ROTATION] * 3
        covariance = torch.diag(torch.tensor(deviations, dtype=torch.float64) ** 2)
        self._uncertainty.propagate_guess(
            se3.inverse(self._motion_model.T), covariance, seconds_since
        )
        return self._estimate(frame, Tracking.TRACKING, None, False, reason, seconds, covariance)

    def _start_depth(self, frame: FrontendFrame) -> float:
        """Median depth of a new start: the prior's, or that of the map before a loss."""
        return self._scale or float(torch.exp(frame.log_depth.median()))

    def _start_mapper(self, device: torch.device) -> LocalMapper:
        assert self._camera is not None
        self._motion_model.T = self._motion_model.T.to(device)
        self._mapper = LocalMapper(self.config, self._camera, self._noise, self._kernel)
        return self._mapper

    def _start_from_two_views(self, start: Start, image: Frame) -> None:
        """Two keyframes at the scale of the depth model, or of the map before a loss."""
        device = image.frame.device
        mapper = self._start_mapper(device)
        solution = start.solution
        depth = torch.from_numpy(solution.depth[solution.ok]).to(device, torch.float32)
        factor = self._start_depth(start.first.frame) / float(depth.median())
        T_second_first = torch.from_numpy(solution.T_second_first).to(device)
        T_second_first[:3, 3] *= factor
        T_first = self._T_first.to(device)
        first = mapper.add(start.first, T_first, _no_change(device))
        pixels = torch.from_numpy(start.corners[solution.ok]).to(device)
        seed(first, pixels, 1.0 / (depth * factor))
        second = mapper.add(image, T_second_first @ T_first, _no_change(device))
        search_depth(mapper.camera, first, [second])
        for _ in range(START_ROUNDS):
            mapper.adjust(self.config.backend.iterations)
        self._scale_drift.reset()
        frames = (start.first.frame, image.frame)
        if all(has_metric_scale(frame) for frame in frames):
            initialise_scale(mapper.window, [frame.log_depth[0, 0] for frame in frames])
        self._after_keyframe()

    # -- every frame ---------------------------------------------------------------------------

    def _track(self, image: Frame) -> Alignment:
        """Align with the newest keyframe from the best of several starts."""
        assert self._reference is not None
        assert self._corners is not None
        assert self._mapper is not None
        keyframe = self._mapper.keyframes[-1]
        motion = self._motion_model.predict(image.frame.stamp_ns, image.frame.motion)
        predicted = motion @ se3.inverse(keyframe.T)
        corners = self._corners.track(image.grey, predicted)
        seen = CurrentView(image.pyramid, corners)
        tracker = self._tracker()
        start = tracker.align_corners(self._reference, corners, predicted)
        affine = self._motion_model.affine_or(keyframe.affine)
        result = tracker.align(self._reference, seen, start, affine)
        if _failure(result):
            pose = self._corners.pose_from_corners(corners)
            if pose is not None:
                retry = tracker.align(self._reference, seen, pose, affine)
                result = max(result, retry, key=lambda a: a.corner_inliers)
        return result

    def _tracker(self) -> Tracker:
        assert self._camera is not None
        return Tracker(self._camera, _TRACK_LEVELS, self.config.tracker.iterations, self._noise)

    def _commit(self, image: Frame, alignment: Alignment, tracked: float) -> Estimate:
        """Take a tracked frame over and make it a keyframe where it brings something new."""
        assert self._mapper is not None
        frame = image.frame
        keyframe = self._mapper.keyframes[-1]
        # Every product with an inverse triples a departure from a rotation, so it is taken off.
        T = se3.orthonormalised(alignment.T @ keyframe.T)
        self._lost = 0
        self._motion_model.update(frame.stamp_ns, T, alignment.affine)
        covariance = torch.linalg.pinv(frame_information(alignment), hermitian=True)
        started = time.perf_counter()
        is_keyframe = needs_keyframe(self.config.keyframes, self._mapper.camera, alignment)
        if is_keyframe:
            self._add_keyframe(image, T, alignment.affine)
            self._motion_model.set_refined(self._mapper.keyframes[-1].T)
        elif len(self._mapper.keyframes) == 1:
            self._uncertainty.tracked(self._mapper.camera, keyframe, T, frame.stamp_ns)
        self._uncertainty.propagate(se3.inverse(self._motion_model.T), alignment.flow, is_keyframe)
        seconds = {"tracking": tracked, "backend": time.perf_counter() - started}
        started = time.perf_counter()
        depth = self._depth() if is_keyframe or self.config.depth_every_frame else None
        if depth is not None:
            seconds["depth"] = time.perf_counter() - started
        quality = min(alignment.inliers, alignment.visible)
        return self._estimate(
            frame, Tracking.TRACKING, depth, is_keyframe, "", seconds, covariance, quality
        )

    def _add_keyframe(self, image: Frame, T: Tensor, affine: Tensor) -> None:
        """New keyframe, two iterations over the window, marginalisation."""
        assert self._mapper is not None
        self._mapper.add(image, T, affine)
        if len(self._mapper.keyframes) > 1:
            self._mapper.adjust(self.config.backend.iterations)
            self._hold_scale(image.frame)
        self._finished += [self._view(k) for k in self._mapper.marginalise()]
        self._after_keyframe()

    def _hold_scale(self, frame: FrontendFrame) -> None:
        """Let the map grow about the camera to the depth model's scale, as far as it is known."""
        assert self._mapper is not None
        growth = self._scale_drift.log_correction(self._mapper.keyframes, frame)
        if growth != 0.0:
            self._mapper.window.rescale(math.exp(growth), about=-1)
            self._motion_model.rescaled(math.exp(growth))

    def _after_keyframe(self) -> None:
        """Make the newest keyframe the reference of the tracker."""
        assert self._mapper is not None
        assert self._camera is not None
        keyframe = self._mapper.keyframes[-1]
        points = keyframe.points
        self._reference = self._tracker().reference(points, keyframe.pyramid, keyframe.affine)
        self._corners = CornerTracker(self._camera, keyframe.grey, self._reference, points.corners)
        if self._relocaliser is not None:
            self._relocaliser.remember(keyframe)
        self._scale = float(1.0 / points.inverse_depth[points.valid].median())
        self._uncertainty.adjusted(self._camera, self._mapper.keyframes)

    # -- loss ----------------------------------------------------------------------------------

    def _handle_lost(self, frame: FrontendFrame, reason: str, tracked: float) -> Estimate:
        """Keep the predicted pose; after a while make a new start from there."""
        assert self._mapper is not None
        self._lost += 1
        self._motion_model.coast(frame.stamp_ns)
        if self._lost >= _GIVE_UP:
            self._finished += [self._view(k) for k in self._mapper.keyframes]
            self._mapper = None
            self._initialiser = self._make_initialiser()
        return self._estimate(frame, Tracking.LOST, None, False, reason, {"tracking": tracked})

    def _relocalise(self, image: Frame) -> Alignment | None:
        """Align with whichever of the last keyframes the image shows, and go on from there."""
        if self._relocaliser is None:
            return None
        assert self._camera is not None
        for place in self._relocaliser.places(self._camera, image.frame.image):
            alignment = self._align_at(image, place)
            if not _failure(alignment):
                self._restart_window(place.keyframe)
                return alignment
        return None

    def _align_at(self, image: Frame, place: Place) -> Alignment:
        """Align with the keyframe of a place, from there."""
        assert self._camera is not None
        keyframe, tracker = place.keyframe, self._tracker()
        reference = tracker.reference(keyframe.points, keyframe.pyramid, keyframe.affine)
        count = keyframe.points.corners
        corners = CornerTracker(self._camera, keyframe.grey, reference, count)
        seen = CurrentView(image.pyramid, corners.track(image.grey, place.T_image_keyframe))
        return tracker.align(reference, seen, place.T_image_keyframe, keyframe.affine)

    def _restart_window(self, keyframe: WindowKeyframe) -> None:
        """Make a keyframe the newest one; where it is not, the window begins anew with it."""
        if self._mapper is not None and self._mapper.keyframes[-1] is keyframe:
            return
        left = [] if self._mapper is None else self._mapper.keyframes
        self._finished += [self._view(k) for k in left if k is not keyframe]
        self._start_mapper(keyframe.T.device).reseed(keyframe)
        self._after_keyframe()

    # -- results -------------------------------------------------------------------------------

    def _view(self, keyframe: WindowKeyframe) -> Keyframe:
        assert self._camera is not None
        return keyframe_view(keyframe, self._camera, GRID_LEVEL)

    def _depth(self) -> DepthMap:
        """Depth of the newest keyframe, seen from the present image."""
        assert self._mapper is not None
        assert self._camera is not None
        keyframe = self._mapper.keyframes[-1]
        T = self._motion_model.T @ se3.inverse(keyframe.T)
        return render_depth(keyframe, T, self._camera, GRID_LEVEL)

    def _estimate(
        self,
        frame: FrontendFrame,
        tracking: Tracking,
        depth: DepthMap | None,
        is_keyframe: bool,
        reason: str,
        seconds: dict[str, float],
        tracking_covariance: Tensor | None = None,
        quality: float = 0.0,
    ) -> Estimate:
        """Put the present pose, its covariance and velocity together."""
        lost = self._motion_model.lost_covariance(self._scale or 1.0)
        step = self._uncertainty.step + lost
        if tracking_covariance is not None:
            step = step + 2.0 * tracking_covariance.cpu()
        twist, twist_covariance = self._motion_model.twist(step)
        T = se3.inverse(self._motion_model.T).cpu()
        rotation = torch.kron(torch.eye(2, dtype=T.dtype), T[:3, :3])
        return Estimate(
            stamp_ns=frame.stamp_ns,
            tracking=tracking,
            T_world_camera=T.numpy(),
            covariance=(self._uncertainty.covariance + rotation @ lost @ rotation.T).numpy(),
            twist=twist.numpy(),
            twist_covariance=twist_covariance.numpy(),
            depth=depth,
            is_keyframe=is_keyframe,
            reason=reason,
            seconds=seconds,
            quality=quality,
        )


def _no_change(device: torch.device) -> Tensor:
    """Brightness (2,) of a start: gain one, offset zero."""
    return torch.zeros(2, dtype=torch.float64, device=device)


def _failure(alignment: Alignment) -> str:
    """Why an alignment is not to be believed, or an empty string."""
    if not bool(torch.isfinite(alignment.T).all()):
        return "the alignment diverged"
    if alignment.visible < _MIN_VISIBLE:
        return f"only {alignment.visible:.0%} of the keyframe's points are in view"
    enough_corners = alignment.corner_inliers >= _MIN_CORNER_INLIERS
    if not enough_corners and alignment.inliers < _MIN_INLIERS:
        return f"only {alignment.inliers:.0%} of the points match the keyframe"
    if not enough_corners and alignment.similarity < _MIN_SIMILARITY:
        return f"the image does not look like the keyframe (correlation {alignment.similarity:.2f})"
    return ""
