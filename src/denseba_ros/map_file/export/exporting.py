"""Which format is written by which function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from denseba_ros.errors import MapFileError
from denseba_ros.map_file.export.cloud import Content
from denseba_ros.map_file.export.cloud_file import write_cloud
from denseba_ros.map_file.export.colmap import write_colmap
from denseba_ros.map_file.export.pose_graph import write_pose_graph
from denseba_ros.map_file.export.tum import write_trajectories
from denseba_ros.map_file.map_reader import KeyframeEntry, MapReader

Progress = Callable[[Iterable[KeyframeEntry]], Iterable[KeyframeEntry]]
FORMATS = ("tum", "ply", "pcd", "g2o", "g2o-se3", "colmap")


@dataclass(frozen=True)
class Exporting:
    """What is taken of keyframes, and how progress is shown."""

    content: Content = field(default_factory=Content)
    progress: Progress = iter

    def write(self, map: MapReader, format: str, out: Path) -> list[str]:
        """Write ``map`` to ``out`` in one of ``FORMATS``; what was written, a line each.

        Raises:
            MapFileError: when the map is damaged or has no keyframes, or ``out`` cannot be written.
        """
        calibration, entries = map.calibration(), map.entries()
        if calibration is None or not entries:
            raise MapFileError(f"{map.path} has no keyframes")
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            if format == "tum":
                return write_trajectories(entries, out)
            if format in ("g2o", "g2o-se3"):
                return write_pose_graph(map, out, with_scales=format == "g2o")
            if format == "colmap":
                return write_colmap(map, calibration, self.progress(entries), self.content, out)
            return write_cloud(map, calibration, self.progress(entries), self.content, format, out)
        except OSError as error:
            raise MapFileError(f"{out} cannot be written: {error.strerror}") from error
