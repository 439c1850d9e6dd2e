"""Depth of every image, off the tracker's path: newest image first, older ones are left out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from denseba_ros.geometry import se3
from denseba_ros.slam.mapping.keyframe_depth import GRID_LEVEL, has_known_shape
from denseba_ros.slam.mapping.local_map import LocalMap
from denseba_ros.slam.state.depth_fusion import fuse_depth
from denseba_ros.slam.state.depth_rendering import to_depth_map
from denseba_ros.slam.state.estimate import DepthMap
from denseba_ros.slam.state.frame import Frame

_log = logging.getLogger(__name__)
Listener = Callable[[int, DepthMap], None]


@dataclass(frozen=True)
class _Tracked:
    """An image, the map that it was tracked in, and its pose (4, 4) T_camera_world there."""

    image: Frame
    local_map: LocalMap
    T: Tensor

    def depth(self) -> DepthMap:
        """Its depth with the image."""
        return with_image(self._depth(), self.image)

    def _depth(self) -> DepthMap:
        """Its depth; that of the map alone where the depth model knows no shape."""
        frame, newest = self.image.frame, self.local_map.newest
        if not has_known_shape(frame.log_depth_sigma[0, 0]):
            return self.local_map.depth_map(self.T)
        grid = self.local_map.camera.level(GRID_LEVEL)
        fused = fuse_depth(
            torch.stack([torch.exp(-frame.log_depth[0, 0]), frame.log_depth_sigma[0, 0]]),
            self.image.pyramid[GRID_LEVEL][0, 0],
            self.local_map.newest_dense,
            newest.pyramid[GRID_LEVEL][0, 0],
            self.T @ se3.inverse(newest.T),
            grid,
        )
        return to_depth_map(fused, grid)


def with_image(depth: DepthMap, image: Frame) -> DepthMap:
    """``depth`` of an image, with that image in its full size."""
    return replace(depth, image=image.frame.grey())


class ImageDepth:
    """Computes the depth of tracked images: at once, or, ``is_live``, in a thread of its own, which
    gives it to ``on_depth``. While one is computed, only the newest of the others waits."""

    def __init__(self, is_live: bool) -> None:
        self.on_depth: Listener | None = None
        # The thread ends with the executor, which ends with this object.
        self._executor = ThreadPoolExecutor(1, "denseba image depth") if is_live else None
        self._lock = threading.Lock()
        self._newest: _Tracked | None = None
        self._is_working = False

    def of(
        self, image: Frame, local_map: LocalMap, T: Tensor, is_wanted: bool, is_own: bool
    ) -> DepthMap | None:
        """Depth of an image tracked at T_camera_world (4, 4), where it ``is_wanted`` and there yet:
        ``is_own``, by the depth model of that image, else the map's."""
        if is_own:
            return self.submit(image, local_map, T)
        return with_image(local_map.depth_map(T), image) if is_wanted else None

    def submit(self, image: Frame, local_map: LocalMap, T: Tensor) -> DepthMap | None:
        """The depth of an image at T_camera_world (4, 4); None where ``on_depth`` gets it later."""
        tracked = _Tracked(image, local_map, T.clone())
        if self._executor is None:
            return tracked.depth()
        with self._lock:
            self._newest = tracked
            if not self._is_working:
                self._is_working = True
                self._executor.submit(self._work)
        return None

    def forget(self) -> None:
        """The image that waits is of a map that is no more."""
        with self._lock:
            self._newest = None

    def _take(self) -> _Tracked | None:
        with self._lock:
            tracked, self._newest = self._newest, None
            self._is_working = tracked is not None
            return tracked

    @torch.no_grad()
    def _work(self) -> None:
        while (tracked := self._take()) is not None:
            try:
                depth = tracked.depth()
                if self.on_depth is not None:
                    self.on_depth(tracked.image.frame.stamp_ns, depth)
            except Exception:
                # The pose does not depend on it, and the next image is tried again.
                _log.exception("no depth of an image")
