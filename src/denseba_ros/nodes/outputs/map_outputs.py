"""What is published of the map: the depth of images, the keyframes and their points."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.camera_info import calibration_to_msg
from denseba_ros.nodes.conversions.images import (
    compressed_image_to_msg,
    float_image_to_msg,
    image_to_msg,
)
from denseba_ros.nodes.conversions.point_clouds import keyframe_to_cloud
from denseba_ros.nodes.conversions.poses import pose_to_msg
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.nodes.outputs.publishers import (
    LatchedPublisher,
    has_subscribers,
    make_publisher,
)
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.slam.inertial.metric_frame import MetricFrame
from denseba_ros.slam.state.depth_enlarging import enlarge
from denseba_ros.slam.state.estimate import DepthMap, Keyframe
from denseba_ros.viewer.depth_colours import colour_depth

# Times as fine as the grid on which depth is made.
_FINER = {"full": 4, "half": 2, "quarter": 1}


class KeyframeSource(Protocol):
    """The part of System and Odometry that is asked for keyframes."""

    def newest_keyframe(self) -> Keyframe | None:
        """The newest keyframe of the window, None where there is none."""
        ...

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        """T_world_camera (4, 4) of the keyframes of the window by stamp, oldest first."""
        ...

    def finished_keyframes(self) -> list[Keyframe]:
        """The keyframes that left the window since the last call."""
        ...


class MetricKeyframes:
    """Those of ``source`` as ``frame`` has them."""

    def __init__(self, source: KeyframeSource, frame: MetricFrame) -> None:
        self._source, self._frame = source, frame

    def newest_keyframe(self) -> Keyframe | None:
        """As ``KeyframeSource`` has it."""
        newest = self._source.newest_keyframe()
        return None if newest is None else self._frame.keyframe(newest)

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        """As ``KeyframeSource`` has it."""
        return {stamp: self._frame.pose(T) for stamp, T in self._source.keyframe_poses().items()}

    def finished_keyframes(self) -> list[Keyframe]:
        """As ``KeyframeSource`` has it."""
        return [self._frame.keyframe(k) for k in self._source.finished_keyframes()]


class MapOutputs:
    """`depth/image` and `rectified/image` with their `camera_info`, `depth/preview` in colours,
    `points` and `keyframes`."""

    def __init__(self, node: Node, settings: NodeConfig, throttled: ThrottledLogger) -> None:
        self.settings = settings
        self._depth = make_publisher(node, Image, "depth/image", 5, throttled)
        self._depth_info = make_publisher(node, CameraInfo, "depth/camera_info", 5, throttled)
        self._image = make_publisher(node, Image, "rectified/image", 5, throttled)
        self._image_info = make_publisher(node, CameraInfo, "rectified/camera_info", 5, throttled)
        self._preview = make_publisher(node, Image, "depth/preview", 1, throttled)
        self._preview_compressed = make_publisher(
            node, CompressedImage, "depth/preview/compressed", 1, throttled
        )
        self._points = LatchedPublisher(node, PointCloud2, "points", throttled)
        self._keyframes = LatchedPublisher(node, PoseArray, "keyframes", throttled)
        self.reset()

    def reset(self) -> None:
        """Forget the keyframes of the odometry frame that ended."""
        self._finished: dict[int, np.ndarray] = {}
        self._points.forget()
        self._keyframes.forget()

    def wants_depth(self) -> bool:
        """Whether anybody listens to the depth of every image."""
        measured = (self._depth, self._depth_info, self._image, self._image_info)
        shown = (self._preview, self._preview_compressed)
        return any(has_subscribers(publisher) for publisher in (*measured, *shown))

    def publish_depth(self, depth: DepthMap, stamp_ns: int, camera_frame: str) -> None:
        """Publish the depth (m) of the image of ``stamp_ns`` and that image, rectified and on the
        same grid, in its optical frame."""
        if not self.wants_depth():
            return
        if depth.image is not None:
            depth = enlarge(depth, _FINER[self.settings.depth_size])
        if has_subscribers(self._depth):
            self._depth.publish(float_image_to_msg(depth.depth, stamp_ns, camera_frame))
        if depth.image is not None and has_subscribers(self._image):
            self._image.publish(image_to_msg(depth.image, "mono8", stamp_ns, camera_frame))
        for publisher in (self._depth_info, self._image_info):
            if has_subscribers(publisher):
                publisher.publish(calibration_to_msg(depth.calibration, stamp_ns, camera_frame))
        self._publish_preview(depth.depth, stamp_ns, camera_frame)

    def _publish_preview(self, depth: np.ndarray, stamp_ns: int, camera_frame: str) -> None:
        is_raw, is_compressed = map(has_subscribers, (self._preview, self._preview_compressed))
        if not (is_raw or is_compressed):
            return
        colours = colour_depth(depth)
        if is_raw:
            self._preview.publish(image_to_msg(colours, "bgr8", stamp_ns, camera_frame))
        if is_compressed:
            self._preview_compressed.publish(
                compressed_image_to_msg(colours, "jpeg", stamp_ns, camera_frame)
            )

    def publish_keyframes(
        self,
        source: KeyframeSource,
        mount: CameraMount,
        T_odom_world: np.ndarray,
        stamp_ns: int,
        camera_frame: str,
    ) -> None:
        """Publish the poses of all keyframes in odom, each once and in order of their stamps, and
        the points of the newest.

        ``T_odom_world`` (4, 4) is the world of the map in the first camera's odometry frame,
        ``stamp_ns`` that of the image that became a keyframe.
        """
        in_window = source.keyframe_poses()
        self._finish(source.finished_keyframes())
        by_stamp = sorted((self._finished | in_window).items())
        header = make_header(stamp_ns, self.settings.odom)

        def make_keyframes() -> PoseArray:
            in_odom = (mount.T_odom_base(T_odom_world @ T) for _, T in by_stamp)
            return PoseArray(header=header, poses=[pose_to_msg(T) for T in in_odom])

        self._keyframes.offer(make_keyframes)
        newest = source.newest_keyframe() if self.settings.publish_points else None
        if newest is not None:
            self._points.offer(partial(keyframe_to_cloud, newest, camera_frame))

    def _finish(self, keyframes: list[Keyframe]) -> None:
        """Remember keyframes that left the window, the newest ``path_max_length`` of them; one that
        left it again counts as it is now."""
        finished = self._finished | {k.stamp_ns: k.T_world_camera for k in keyframes}
        self._finished = dict(sorted(finished.items())[-self.settings.path_max_length :])
