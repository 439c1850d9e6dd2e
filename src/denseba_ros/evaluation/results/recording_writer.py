"""Writes what ``denseba record`` hears of a node."""

from __future__ import annotations

from pathlib import Path

from denseba_ros.evaluation.results.poses_writer import PosesWriter
from denseba_ros.evaluation.results.result_writer import ResultWriter
from denseba_ros.evaluation.results.run_folder import FINAL
from denseba_ros.sequences.trajectory import Trajectory, write_tum


class RecordingWriter(ResultWriter):
    """Poses as ``poses`` (a ``PosesWriter``) keeps them, keyframes and summary.

    Raises:
        DensebaError: when ``folder`` holds a depth folder that is not of an earlier run.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.poses = PosesWriter(folder)

    def write_final(self, trajectory: Trajectory) -> None:
        """Write final.txt: T_map_camera as the map had it at the end."""
        write_tum(self.folder / FINAL, trajectory)

    def close(self) -> None:
        """Write the files that are complete only at the end; may be called again."""
        self.poses.close()
        super().close()
