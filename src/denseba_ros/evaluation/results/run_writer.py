"""Writes what ``denseba run`` estimates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from denseba_ros.evaluation.results.path_writer import PathWriter
from denseba_ros.evaluation.results.result_writer import ResultWriter
from denseba_ros.evaluation.results.run_folder import (
    COVARIANCE,
    FINAL,
    REFINED_CAMERA,
    TRACKED,
    TRACKED_COVARIANCE,
    TRAJECTORY,
    UNJOINED,
    UNJOINED_COVARIANCE,
)
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.camera_info import write_camera_info
from denseba_ros.sequences.trajectory import Trajectory, write_tum
from denseba_ros.slam.state.estimate import Estimate


class RunWriter(ResultWriter):
    """The poses of tracked images in trajectory.txt, which are poses in the map.

    Raises:
        DensebaError: when ``folder`` holds a depth folder that is not of an earlier run.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = PathWriter(folder / TRAJECTORY, folder / COVARIANCE)
        self._unjoined: PathWriter | None = None
        self._tracked: PathWriter | None = None

    def add_estimate(self, estimate: Estimate, is_joined: bool = True) -> None:
        """Append the pose and covariance of one frame, when it was tracked; until ``is_joined`` to
        unjoined.txt."""
        if estimate.is_measured:
            _add(self._path if is_joined else self._before_joining(), estimate)

    def add_tracked(self, estimate: Estimate) -> None:
        """Append to tracked.txt what ``add_estimate`` has as a map moved it."""
        if not estimate.is_measured:
            return
        if self._tracked is None:
            self._tracked = PathWriter(self.folder / TRACKED, self.folder / TRACKED_COVARIANCE)
        _add(self._tracked, estimate)

    def write_final(self, stamps_ns: np.ndarray, T_map_camera: np.ndarray) -> None:
        """Write final.txt: (N,) stamps and (N, 4, 4) poses as the map has them at the end."""
        write_tum(self.folder / FINAL, Trajectory(stamps_ns, T_map_camera))

    def write_refined_camera(self, calibration: Calibration) -> None:
        """Write the calibration with what it left over."""
        write_camera_info(self.folder / REFINED_CAMERA, calibration, "camera")

    def keep_own_frame(self) -> None:
        """No place was recognised: what was in a frame of its own for the beginning is all, and
        becomes trajectory.txt."""
        if self._unjoined is not None:
            self._path.close()
            self._unjoined.move_to(self.folder / TRAJECTORY, self.folder / COVARIANCE)
            self._path, self._unjoined = self._unjoined, None

    def close(self) -> None:
        """Write the files that are complete only at the end; may be called again."""
        for path in (self._path, self._unjoined, self._tracked):
            if path is not None:
                path.close()
        super().close()

    def _before_joining(self) -> PathWriter:
        if self._unjoined is None:
            self._unjoined = PathWriter(self.folder / UNJOINED, self.folder / UNJOINED_COVARIANCE)
        return self._unjoined


def _add(path: PathWriter, estimate: Estimate) -> None:
    deviation = estimate.metric_scale.deviation
    path.add(estimate.stamp_ns, estimate.T_world_camera, estimate.covariance, deviation)
