"""Writes the results of a run as they come, so that an interruption loses nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np

from denseba_ros.errors import DensebaError
from denseba_ros.evaluation.results.point_cloud import keyframe_points, write_ply
from denseba_ros.evaluation.results.run_folder import (
    CAMERA,
    COVARIANCE,
    DEPTH,
    EVALUATION,
    FIRST_DEPTH,
    IMAGE,
    KEYFRAMES,
    MAP,
    MAP_COVARIANCE,
    MILLIMETRES,
    ODOMETRY,
    ODOMETRY_COVARIANCE,
    PARTS,
    POINTS,
    STATES,
    SUMMARY,
    TRAJECTORY,
)
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.slam.state.estimate import DepthMap, Keyframe

_LARGEST = np.iinfo(np.uint16).max
_FILES = (
    *(TRAJECTORY, COVARIANCE, ODOMETRY, ODOMETRY_COVARIANCE, MAP, MAP_COVARIANCE, STATES),
    *(KEYFRAMES, POINTS, SUMMARY, EVALUATION),
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
        for subfolder in (DEPTH, FIRST_DEPTH, IMAGE, PARTS):
            (folder / subfolder).mkdir(parents=True, exist_ok=True)
        self._keyframe_poses: dict[int, np.ndarray] = {}
        self._points: dict[int, np.ndarray] = {}
        self._clipped: dict[int, int] = {}

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
        return sum(self._clipped.values())

    def add_keyframe(self, keyframe: Keyframe) -> None:
        """Write the depth and image of one keyframe, and keep its pose and points for the end.

        Another keyframe of the same stamp, of a map before, is replaced.
        """
        image, clipped = encode_depth(keyframe.depth.depth)
        _write_png(self.folder / DEPTH / f"{keyframe.stamp_ns}.png", image)
        _write_png(self.folder / IMAGE / f"{keyframe.stamp_ns}.png", keyframe.image)
        if keyframe.first_depth is not None:
            first, _ = encode_depth(keyframe.first_depth)
            _write_png(self.folder / FIRST_DEPTH / f"{keyframe.stamp_ns}.png", first)
        if keyframe.parts is not None:
            # Half precision: a twentieth of a percent, at a third of the size.
            halves = {k: v.astype(np.float16) for k, v in vars(keyframe.parts).items()}
            np.savez_compressed(self.folder / PARTS / f"{keyframe.stamp_ns}.npz", **halves)
        if not self._keyframe_poses:
            _write_camera(self.folder / DEPTH / CAMERA, keyframe.depth)
        self._clipped[keyframe.stamp_ns] = clipped
        self._keyframe_poses[keyframe.stamp_ns] = keyframe.T_world_camera
        self._points[keyframe.stamp_ns] = keyframe_points(keyframe)

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


def encode_depth(depth: np.ndarray) -> tuple[np.ndarray, int]:
    """Depth (h, w), metres, NaN = unknown, as uint16 millimetres, 0 = unknown, and the number of
    pixels that are too far for it."""
    known = np.isfinite(depth) & (depth > 0)
    millimetres = np.round(np.where(known, depth, 0.0) * MILLIMETRES)
    too_far = millimetres > _LARGEST
    return np.where(too_far, 0.0, millimetres).astype(np.uint16), int(too_far.sum())


def _write_png(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise DensebaError(f"{path}: cannot be written")


def _write_camera(path: Path, depth: DepthMap) -> None:
    camera = asdict(depth.calibration)
    path.write_text(json.dumps({**camera, "metres_per_unit": 1.0 / MILLIMETRES}, indent=2) + "\n")


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
