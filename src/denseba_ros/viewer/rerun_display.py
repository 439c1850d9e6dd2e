"""What was estimated, as rerun's entities.

A keyframe is ``world/keyframes/STAMP``, with its points below it in its own frame: they are logged
once, and a corrected pose is one transform more.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import rerun as rr

from denseba_ros.evaluation.results.point_cloud import keyframe_points
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.depth_rendering import MAX_SIGMA
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe
from denseba_ros.viewer import rerun_layout as at
from denseba_ros.viewer.depth_colours import colour_depth, colour_deviation
from denseba_ros.viewer.mailbox import Mail, SeenImage
from denseba_ros.viewer.position_ellipsoid import position_ellipsoid
from denseba_ros.viewer.true_path import TruePath

_PATH, _TRUTH = f"{at.WORLD}/path", f"{at.WORLD}/truth"
_COVARIANCE, _NEWEST = f"{at.WORLD}/covariance", f"{at.WORLD}/newest_points"
_GREEN, _GREY, _PURPLE = (25, 200, 60), (150, 150, 150), (204, 51, 204, 70)
_STATES = {"initialising": (255, 190, 0), "tracking": _GREEN, "lost": (220, 40, 40)}
# Poses in one piece of the path: only the newest piece is logged anew with each.
_PIECE = 100
# Size of what marks a pose, in median depths.
_MARK = 0.05
_POINTS = 5000


class RerunDisplay:
    """Draws into ``recording``, beside the ground truth where there is one."""

    def __init__(self, recording: rr.RecordingStream, true_path: TruePath | None = None) -> None:
        self._recording, self._true_path = recording, true_path
        self._images, self._first_ns = 0, 0
        self._calibration: Calibration | None = None
        self._state = ""
        self._begin_world()
        recording.log(at.WORLD, rr.ViewCoordinates.RIGHT_HAND_Y_DOWN, static=True)
        names, colours = list(_STATES), list(_STATES.values())
        recording.log(at.STATE, rr.StateConfiguration(values=names, colors=colours), static=True)

    def show(self, mail: Mail) -> None:
        """Draw what waited: keyframes first, at the time of the image before."""
        if mail.is_new_world:
            self._begin_world()
            self._recording.log(at.WORLD, rr.Clear(recursive=True))
        for keyframe in mail.keyframes:
            self._show_points(keyframe)
        for stamp_ns, T in mail.poses.items():
            self._show_pose(stamp_ns, T)
        if mail.image is not None:
            self._show_image(mail.image)
        if mail.depth is not None:
            self._show_depth(mail.depth)

    def close(self) -> None:
        """Align the true path for the last time, and write everything."""
        self._show_truth()
        self._recording.flush()
        self._recording.disconnect()

    def _begin_world(self) -> None:
        self._poses: dict[int, np.ndarray] = {}
        self._marked: set[int] = set()
        self._piece, self._positions = 0, list[np.ndarray]()
        self._mark: float | None = None

    def _show_image(self, seen: SeenImage) -> None:
        estimate, log = seen.estimate, self._recording.log
        self._set_time(estimate.stamp_ns)
        if estimate.depth is not None:
            self._show_depth(estimate.depth)
            if estimate.is_map_updated:
                self._show_newest(estimate.depth, estimate)
        if seen.calibration != self._calibration:
            self._calibration = seen.calibration
            log(at.IMAGE, _pinhole(seen.calibration, self._mark))
        log(at.IMAGE, _jpeg(seen.image))
        log(at.CAMERA, _transform(estimate.T_world_camera))
        if estimate.is_measured:
            self._extend_path(estimate.stamp_ns, estimate.T_world_camera[:3, 3])
        ellipsoid = position_ellipsoid(estimate.covariance)
        log(
            _COVARIANCE,
            rr.Ellipsoids3D(
                centers=[estimate.T_world_camera[:3, 3]],
                half_sizes=[ellipsoid.half_axes],
                quaternions=[ellipsoid.quaternion],
                colors=[_PURPLE],
                fill_mode="solid",
            ),
        )
        for stage, seconds in {**estimate.seconds, "total": seen.seconds}.items():
            log(f"{at.TIMING}/{stage}", rr.Scalars([1e3 * seconds]))
        log(at.QUALITY, rr.Scalars([estimate.quality]))
        if estimate.counts_as.value != self._state:
            self._state = estimate.counts_as.value
            log(at.STATE, rr.StateChange(state=self._state))
        if estimate.reason:
            log(at.REASON, rr.TextLog(estimate.reason, level="WARN"))

    def _set_time(self, stamp_ns: int) -> None:
        self._first_ns = self._first_ns or stamp_ns
        self._recording.set_time(at.IMAGE_NUMBER, sequence=self._images)
        self._recording.set_time(at.TIME, duration=1e-9 * (stamp_ns - self._first_ns))
        self._images += 1

    def _show_depth(self, depth: DepthMap) -> None:
        if self._mark is None and np.isfinite(depth.depth).any():
            self._mark = _MARK * float(np.nanmedian(depth.depth))
            self._calibration = None  # its frustum takes that size
        self._recording.log(at.DEPTH, _jpeg(colour_depth(depth.depth)))
        deviation = colour_deviation(depth.depth, depth.sigma, MAX_SIGMA)
        self._recording.log(at.DEVIATION, _jpeg(deviation))

    def _show_newest(self, depth: DepthMap, estimate: Estimate) -> None:
        """The points of the image at which the map changed, until it changes again: keyframes
        show theirs only once they are final."""
        height, width = depth.depth.shape
        grey: np.ndarray = np.full((height, width), 128, np.uint8)
        if depth.image is not None:
            grey = cv2.resize(depth.image, (width, height), interpolation=cv2.INTER_AREA)
        view = Keyframe(0, estimate.stamp_ns, estimate.T_world_camera, depth, grey)
        self._recording.log(_NEWEST, _points(view))

    def _show_points(self, keyframe: Keyframe) -> None:
        points = _points(replace(keyframe, T_world_camera=np.eye(4)))
        self._recording.log(f"{_entity(keyframe.stamp_ns)}/points", points)

    def _show_pose(self, stamp_ns: int, T: np.ndarray) -> None:
        before = self._poses.get(stamp_ns)
        if before is not None and np.array_equal(before, T):
            return
        self._poses[stamp_ns] = T
        self._recording.log(_entity(stamp_ns), _transform(T))
        if stamp_ns not in self._marked and self._mark is not None:
            self._marked.add(stamp_ns)
            self._recording.log(_entity(stamp_ns), rr.TransformAxes3D(0.4 * self._mark))

    def _extend_path(self, stamp_ns: int, position: np.ndarray) -> None:
        self._positions.append(position)
        strip = rr.LineStrips3D([self._positions], colors=[_GREEN])
        self._recording.log(f"{_PATH}/{self._piece}", strip)
        if len(self._positions) >= _PIECE:
            self._piece, self._positions = self._piece + 1, [position]
        if self._true_path is not None:
            self._true_path.add(stamp_ns, position)
            if self._true_path.is_due:
                self._show_truth()

    def _show_truth(self) -> None:
        aligned = None if self._true_path is None else self._true_path.aligned()
        if aligned is not None:
            self._recording.log(_TRUTH, rr.LineStrips3D([aligned], colors=[_GREY]))


def _entity(stamp_ns: int) -> str:
    return f"{at.KEYFRAMES}/{stamp_ns}"


def _points(keyframe: Keyframe) -> rr.Points3D:
    """The better known points of a keyframe, in the world of its pose."""
    vertices = keyframe_points(keyframe, max_relative_sigma=MAX_SIGMA, max_points=_POINTS)
    positions = np.stack([vertices[axis] for axis in "xyz"], axis=-1)
    colours = np.stack([vertices[channel] for channel in ("red", "green", "blue")], axis=-1)
    return rr.Points3D(positions, colors=colours, radii=rr.Radius.ui_points(1.5))


def _transform(T: np.ndarray) -> rr.Transform3D:
    """(4, 4) rigid or a similarity: rerun's matrix takes its scale too."""
    return rr.Transform3D(translation=T[:3, 3], mat3x3=T[:3, :3])


def _jpeg(image: np.ndarray) -> rr.EncodedImage:
    """Grey or BGR uint8, compressed: recordings stay small."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return rr.EncodedImage(contents=data.tobytes(), media_type="image/jpeg")


def _pinhole(calibration: Calibration, mark: float | None) -> rr.Pinhole:
    """The camera without its distortion; its frustum is a few marks deep."""
    return rr.Pinhole(
        focal_length=(calibration.fx, calibration.fy),
        principal_point=(calibration.cx, calibration.cy),
        width=calibration.width,
        height=calibration.height,
        camera_xyz=rr.ViewCoordinates.RDF,
        image_plane_distance=None if mark is None else 4.0 * mark,
    )
