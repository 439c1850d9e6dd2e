"""What is published of the map as it is now: `map_path`, `map_points` and `loop_closures`."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from nav_msgs.msg import Path
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker

from denseba_ros.geometry.body_frame import CameraMount
from denseba_ros.global_map.map_cloud import MapCloud
from denseba_ros.global_map.map_session import MapSession
from denseba_ros.nodes.base.throttled_logger import ThrottledLogger
from denseba_ros.nodes.conversions.stamps import make_header
from denseba_ros.nodes.map.map_messages import cloud_message, lines_message, path_message
from denseba_ros.nodes.outputs.publishers import LatchedPublisher
from denseba_ros.nodes.parameters.node_config import NodeConfig

# Seconds between two publications of a map that only grew.
_PERIOD = 2.0
# Keyframes of earlier sessions that one publication reads from the file.
_READ = 100


@dataclass(frozen=True)
class _Snapshot:
    """The map at one image: S_map_camera (4, 4) of keyframes in the map by number, of those of this
    session by stamp, and the ``pairs`` of numbers that loops were closed with."""

    stamp_ns: int
    mount: CameraMount
    poses: dict[int, np.ndarray]
    path: dict[int, np.ndarray]
    pairs: list[tuple[int, int]]


@dataclass
class _Progress:
    """How far the map of a ``session`` was published; ``cloud`` has points of its keyframes."""

    session: MapSession
    cloud: MapCloud
    is_corrected: bool = False
    is_missing: bool = False
    published_at: float = 0.0
    published_size: int = -1
    sampled: int | None = None

    def sample_new(self) -> None:
        """Take points of the keyframes that left the window since the image before."""
        graph, store = self.session.global_map.graph, self.session.global_map.store
        newest = next(reversed(graph.poses), None)
        if newest == self.sampled:
            return
        self.sampled = newest
        for number in graph.poses:
            if number >= graph.first and number not in self.cloud:
                self.cloud.add(store.get(number))

    def read_missing(self, snapshot: _Snapshot, count: int) -> None:
        """Take points of up to ``count`` keyframes of earlier sessions, from the file."""
        first = self.session.global_map.graph.first
        missing = [n for n in snapshot.poses if n < first and n not in self.cloud]
        for number in missing[:count]:
            self.cloud.add(self.session.global_map.saved_keyframe(number))
        self.is_missing = len(missing) > count


class MapTopics:
    """Publishes the map again when it was corrected, and every two seconds while it grows.

    Called by the thread that tracks; messages are made in a thread of its own, and only while
    somebody listens.
    """

    def __init__(self, node: Node, settings: NodeConfig, throttled: ThrottledLogger) -> None:
        self.settings = settings
        self._throttled = throttled
        self._path = LatchedPublisher(node, Path, "map_path", throttled)
        self._points = LatchedPublisher(node, PointCloud2, "map_points", throttled)
        self._closures = LatchedPublisher(node, Marker, "loop_closures", throttled)
        self._executor = ThreadPoolExecutor(1, "denseba map topics")
        self._job: Future[None] | None = None
        self._progress: _Progress | None = None

    def update(
        self, session: MapSession, mount: CameraMount, stamp_ns: int, is_corrected: bool
    ) -> None:
        """Take in the map as it is after the image of ``stamp_ns``; ``is_corrected``: a loop was
        closed."""
        progress = self._progress_of(session)
        if self.settings.map_points > 0:
            progress.sample_new()
        progress.is_corrected |= is_corrected
        is_busy = self._job is not None and not self._job.done()
        if is_busy or not (progress.is_corrected or self._has_grown(progress)):
            return
        progress.is_corrected, progress.published_at = False, time.monotonic()
        progress.published_size = len(session.global_map.graph.poses)
        snapshot = _snapshot(session, mount, stamp_ns)
        self._job = self._executor.submit(self._publish, progress, snapshot)

    def close(self) -> None:
        """End the thread."""
        self._progress = None
        self._executor.shutdown()

    def _progress_of(self, session: MapSession) -> _Progress:
        """Of this session; what was published of one before is not of this map."""
        if self._progress is None or self._progress.session is not session:
            if self._progress is not None:
                self._path.forget()
                self._points.forget()
                header = make_header(0, self.settings.map)
                self._closures.offer(lambda: Marker(header=header, action=Marker.DELETEALL))
            cloud = MapCloud(session.global_map.camera, self.settings.map_points)
            self._progress = _Progress(session, cloud)
        return self._progress

    def _has_grown(self, progress: _Progress) -> bool:
        """Whether there is more to publish, and it is time to."""
        if time.monotonic() - progress.published_at < _PERIOD:
            return False
        is_longer = len(progress.session.global_map.graph.poses) != progress.published_size
        return is_longer or (progress.is_missing and self._points.is_heard)

    # -- the thread of the topics --------------------------------------------------------------

    def _publish(self, progress: _Progress, snapshot: _Snapshot) -> None:
        if self.settings.map_points > 0:
            self._publish_points(progress, snapshot)
        frame, mount, stamp_ns = self.settings.map, snapshot.mount, snapshot.stamp_ns
        if snapshot.path:
            longest = self.settings.path_max_length
            newest = dict(sorted(snapshot.path.items())[-longest:])
            self._path.offer(partial(path_message, newest, mount, stamp_ns, frame))
        if snapshot.pairs:
            known = [pair for pair in snapshot.pairs if all(n in snapshot.poses for n in pair)]
            ends = [snapshot.poses[number] for pair in known for number in pair]
            self._closures.offer(partial(lines_message, ends, mount, stamp_ns, frame))

    def _publish_points(self, progress: _Progress, snapshot: _Snapshot) -> None:
        try:
            progress.read_missing(snapshot, _READ if self._points.is_heard else 0)
        except Exception as error:
            # The file may have been closed meanwhile, with the session.
            if progress is self._progress:
                self._throttled.warn("map topics", f"map_points are not whole: {error}")
        self._points.offer(partial(self._cloud_message, progress.cloud, snapshot))

    def _cloud_message(self, cloud: MapCloud, snapshot: _Snapshot) -> PointCloud2:
        points = cloud.points(snapshot.poses)
        return cloud_message(points, snapshot.mount, snapshot.stamp_ns, self.settings.map)


def _snapshot(session: MapSession, mount: CameraMount, stamp_ns: int) -> _Snapshot:
    graph = session.global_map.graph
    if not session.is_joined:  # this session's are in a frame of its own
        poses = {n: S for n, S in graph.poses.items() if n < graph.first}
        return _Snapshot(stamp_ns, mount, poses, {}, [])
    path = session.keyframe_poses()
    of_session = {graph.number(stamp): S for stamp, S in path.items()}  # with the window's
    known = {n: S for n, S in of_session.items() if n is not None} | graph.poses
    pairs = [pair for closure in session.global_map.closures for pair in closure.pairs]
    return _Snapshot(stamp_ns, mount, known, path, pairs)
