"""The live view of a node, as ``node.rerun`` asks for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.nodes.outputs.map_outputs import KeyframeSource
from denseba_ros.nodes.parameters.node_config import NodeConfig
from denseba_ros.resources import confined
from denseba_ros.slam.state.estimate import DepthMap, Estimate, Keyframe
from denseba_ros.viewer.live_view import LiveView
from denseba_ros.viewer.opening import SUFFIX, open_view

# Seconds that the end of a node waits for what is still to be shown.
_PATIENCE = 5.0


class NodeView:
    """Every method does nothing where the parameter is "off", and never waits.

    Raises:
        ConfigurationError: when the view cannot be had here, or its file lies elsewhere than below
            ``node.rerun_folder``.
    """

    def __init__(self, settings: NodeConfig) -> None:
        self._view: LiveView | None = None
        if settings.rerun == "view":
            self._view = open_view(True)
        elif settings.rerun != "off":
            self._view = open_view(False, confined(settings.rerun, _folder(settings), SUFFIX))

    def watching(self, source: KeyframeSource) -> KeyframeSource:
        """``source`` itself, or one that shows what it gives away."""
        return source if self._view is None else _Watched(source, self._view)

    def show(
        self,
        estimate: Estimate,
        image: Callable[[], np.ndarray],
        calibration: Calibration,
        started_at: float,
    ) -> None:
        """Show an estimate whose computation began at ``started_at`` (perf_counter, s), with the
        image (H, W[, 3]) uint8 that ``image`` returns, of a camera with ``calibration``."""
        if self._view is not None:
            seconds = time.perf_counter() - started_at
            self._view.show(estimate, image(), calibration, seconds)

    def show_depth(self, depth: DepthMap) -> None:
        """Show the depth of an image whose estimate came without; from any thread."""
        if self._view is not None:
            self._view.show_depth(depth)

    def begin_world(self) -> None:
        """What follows lies in another odometry frame."""
        if self._view is not None:
            self._view.begin_world()

    def close(self) -> None:
        """Show what still waits, for a few seconds at most; may be called again."""
        if self._view is not None:
            self._view.close(_PATIENCE)


class _Watched:
    """A source of keyframes that shows what it is asked for."""

    def __init__(self, source: KeyframeSource, view: LiveView) -> None:
        self._source, self._view = source, view

    def newest_keyframe(self) -> Keyframe | None:
        """As the source's."""
        return self._source.newest_keyframe()

    def keyframe_poses(self) -> dict[int, np.ndarray]:
        """The source's, which are shown."""
        poses = self._source.keyframe_poses()
        self._view.update_keyframe_poses(poses)
        return poses

    def finished_keyframes(self) -> list[Keyframe]:
        """The source's, which are shown."""
        keyframes = self._source.finished_keyframes()
        self._view.add_keyframes(keyframes)
        return keyframes


def _folder(settings: NodeConfig) -> Path:
    """Where files of the view may lie."""
    if settings.rerun_folder:
        return Path(settings.rerun_folder)
    return Path(os.environ.get("ROS_HOME", "~/.ros")).expanduser() / "denseba"
