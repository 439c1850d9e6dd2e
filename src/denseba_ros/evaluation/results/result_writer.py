"""Writes the results of a run as they come, so that an interruption loses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from denseba_ros.errors import DensebaError
from denseba_ros.evaluation.results.keyframe_files import KeyframeFiles
from denseba_ros.evaluation.results.point_cloud import keyframe_points, moved_points, write_ply
from denseba_ros.evaluation.results.run_folder import (
    CAMERA,
    COVARIANCE,
    DEPTH,
    EVALUATION,
    FINAL,
    FIRST_DEPTH,
    IMAGE,
    KEYFRAMES,
    MAP,
    MAP_COVARIANCE,
    ODOMETRY,
    ODOMETRY_COVARIANCE,
    PARTS,
    POINTS,
    REFINED_CAMERA,
    STATES,
    SUMMARY,
    TRACKED,
    TRACKED_COVARIANCE,
    TRAJECTORY,
    UNJOINED,
    UNJOINED_COVARIANCE,
)
from denseba_ros.geometry import sim3
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.slam.state.estimate import Keyframe

if TYPE_CHECKING:
    from typing_extensions import Self

# Depths are not rewritten for less.
_SAME_SCALE = 5e-4
_FILES = (
    *(TRAJECTORY, COVARIANCE, ODOMETRY, ODOMETRY_COVARIANCE, MAP, MAP_COVARIANCE, STATES),
    *(FINAL, TRACKED, TRACKED_COVARIANCE, UNJOINED, UNJOINED_COVARIANCE),
    *(KEYFRAMES, POINTS, SUMMARY, EVALUATION, REFINED_CAMERA),
)


class ResultWriter:
    """Keyframes and summary of a run folder; what writes the poses is built on it.

    A context manager that completes the files at the end, also on errors.

    Raises:
        DensebaError: when ``folder`` holds a depth folder that is not of an earlier run.
    """

    def __init__(self, folder: Path) -> None:
        """Create ``folder``; files of an earlier run in it are removed."""
        self.folder = folder
        _clear(folder)
        self._files = KeyframeFiles(folder)
        self._keyframe_poses: dict[int, np.ndarray] = {}
        self._points: dict[int, np.ndarray] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def keyframes(self) -> int:
        """Number of keyframes so far, each stamp once."""
        return len(self._keyframe_poses)

    @property
    def depth_pixels_clipped(self) -> int:
        """Pixels of all keyframes that are too far for the depth files."""
        return sum(self._files.clipped.values())

    def add_keyframe(self, keyframe: Keyframe) -> None:
        """Write the depth and image of one keyframe, and keep its pose and points for the end.

        Another keyframe of the same stamp, of a map before, is replaced.
        """
        self._files.write(keyframe)
        self._keyframe_poses[keyframe.stamp_ns] = keyframe.T_world_camera
        self._points[keyframe.stamp_ns] = keyframe_points(keyframe)

    def move_keyframes(self, poses: Mapping[int, np.ndarray]) -> None:
        """Set S_map_camera (4, 4), similarities, of keyframes by stamp: points and depths follow.

        Raises:
            DensebaError: when a depth file cannot be written.
        """
        for stamp in self._keyframe_poses.keys() & poses.keys():
            S, T = poses[stamp], self._keyframe_poses[stamp]
            scale = float(sim3.scale(S))
            self._keyframe_poses[stamp] = sim3.rigid(S)
            self._points[stamp] = moved_points(self._points[stamp], S @ sim3.inverse(T))
            if abs(scale - 1.0) > _SAME_SCALE:
                self._files.rescale(stamp, scale)

    def close(self) -> None:
        """Write the files that are complete only at the end; may be called again."""
        poses = sorted(self._keyframe_poses.items())
        write_tum(
            self.folder / KEYFRAMES,
            Trajectory(
                np.array([stamp for stamp, _ in poses], np.int64),
                np.array([T for _, T in poses], np.float64).reshape(-1, 4, 4),
            ),
        )
        if self._points:
            write_ply(self.folder / POINTS, np.concatenate(list(self._points.values())))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write summary.json."""
        (self.folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n")


def _clear(folder: Path) -> None:
    """Remove the files of an earlier run, so that two runs never mix."""
    depth = folder / DEPTH
    is_ours = any((folder / name).exists() for name in (TRAJECTORY, ODOMETRY))
    if depth.exists() and any(depth.iterdir()) and not is_ours:
        raise DensebaError(
            f"{depth}: not written by `denseba run` or `denseba record`; choose another --out"
        )
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    images = [
        path for name in (DEPTH, FIRST_DEPTH, IMAGE) for path in (folder / name).glob("*.png")
    ]
    for path in [*images, *(folder / PARTS).glob("*.npz"), depth / CAMERA]:
        path.unlink(missing_ok=True)
