"""Writes what ``denseba run`` estimates."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.evaluation.results.path_writer import PathWriter
from denseba_ros.evaluation.results.result_writer import ResultWriter
from denseba_ros.evaluation.results.run_folder import COVARIANCE, TRAJECTORY
from denseba_ros.slam.state.estimate import Estimate


class RunWriter(ResultWriter):
    """The poses of tracked images in trajectory.txt, which are poses in the map.

    Raises:
        DensebaError: when ``folder`` holds a depth folder that is not of an earlier run.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = PathWriter(folder / TRAJECTORY, folder / COVARIANCE)

    def add_estimate(self, estimate: Estimate) -> None:
        """Append the pose and covariance of one frame, when it was tracked."""
        if estimate.is_measured:
            deviation = estimate.metric_scale.deviation
            self._path.add(
                estimate.stamp_ns, estimate.T_world_camera, estimate.covariance, deviation
            )

    def close(self) -> None:
        """Write the files that are complete only at the end; may be called again."""
        self._path.close()
        super().close()
