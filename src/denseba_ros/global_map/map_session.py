"""One run of a system with its map: each estimate told in the map, and the path at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from denseba_ros.config import Config, MapConfig
from denseba_ros.global_map.adjustment.lens import Lens
from denseba_ros.global_map.adjustment.map_adjustment import MapAdjustment, Progress
from denseba_ros.global_map.closing.closure import Closure
from denseba_ros.global_map.estimate_in_map import estimate_in_map
from denseba_ros.global_map.global_map import GlobalMap
from denseba_ros.global_map.image_path import ImagePath
from denseba_ros.global_map.open_map import open_global_map
from denseba_ros.pose_graph.graph import Doubles
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.system import System

if TYPE_CHECKING:
    from typing_extensions import Self


class MapSession:
    """Follows a ``system``; only the thread that tracks calls it.

    ``global_map``: the map. Until ``is_joined`` the poses of this run are in a frame of its own,
    since no place of the map that it goes on with was recognised yet.
    """

    def __init__(self, config: MapConfig, system: System, global_map: GlobalMap) -> None:
        self.global_map = global_map
        self._config, self._system = config, system
        self._path = ImagePath()
        self._adjustment: MapAdjustment | None = None
        system.history.is_kept = True

    @property
    def is_joined(self) -> bool:
        """Whether poses are in the frame of the map."""
        return self.global_map.graph.is_joined

    @property
    def lens(self) -> Lens | None:
        """What the calibration left over, None where the map was not adjusted."""
        return None if self._adjustment is None else self._adjustment.lens

    @property
    def is_unlocalised(self) -> bool:
        """Whether poses were asked for in a map, and none of its places was recognised."""
        return self._config.mode == "localisation" and not self.is_joined

    def follow(self, estimate: Estimate) -> tuple[Estimate, Closure | None]:
        """Take in what the image of this ``estimate`` changed.

        Returns:
            The estimate in the map, and the loop that was closed since the call before.
        """
        if estimate.is_keyframe and estimate.is_measured:
            self.global_map.graph.tell(estimate.stamp_ns, estimate.T_world_camera)
        closure = self.global_map.update(self._system)
        local_map = self._system.local_map
        if estimate.is_measured and local_map is not None:
            self._path.add(
                estimate.stamp_ns, estimate.T_world_camera, local_map, self.global_map.graph
            )
        return estimate_in_map(estimate, self.global_map.graph.S_map_world), closure

    def finish(self) -> None:
        """End: the keyframes of the window are kept too, and all is written.

        Raises:
            MapFileError: when the file cannot be written.
        """
        self.global_map.finish(self._system)

    def leave(self) -> None:
        """As ``finish``, but only what touches the system: it goes on without this map, and
        ``complete`` does the rest, in any thread."""
        self.global_map.leave(self._system)
        self._system.history.is_kept = False

    def complete(self) -> None:
        """All that is left to be done after ``leave``, and written.

        Raises:
            MapFileError: when the file cannot be written.
        """
        self.global_map.complete()

    def adjust(self, progress: Progress = iter) -> None:
        """Adjust all keyframes and points together, after ``finish``.

        Raises:
            MapFileError: when the file cannot be read or written.
        """
        self._adjustment = self.global_map.adjust(progress)

    def close(self) -> None:
        """Let go of the file; what was not written is lost. May be called again."""
        self.global_map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self) -> tuple[NDArray[np.int64], Doubles]:
        """Stamps (N,) and T_map_camera (N, 4, 4) of all measured images, as corrected by now."""
        return self._path.corrected(self.global_map.graph, self._system.local_map)

    def keyframe_poses(self) -> dict[int, Doubles]:
        """S_map_camera (4, 4), a similarity, of the keyframes of this run by stamp."""
        local_map = self._system.local_map
        if local_map is None:
            return self.global_map.graph.poses_by_stamp()
        return self.global_map.keyframe_poses(local_map)

    def headline(self) -> str:
        """What became of the map, in one line."""
        keyframes, loops = len(self.global_map.graph.poses), len(self.global_map.closures)
        file = self._config.file
        if self.is_unlocalised:
            return f"no place of {file} was recognised: no pose in it is known"
        where = f"in {file}, {'not changed' if self._config.mode == 'localisation' else 'saved'}"
        said = f"map of {keyframes} keyframes{', ' + where if file else ''}; {loops} loops closed"
        if self._adjustment is not None:
            said += f", {self._adjustment.points} points adjusted with them"
        if self.is_joined:
            return said
        return f"{said}; no place of it was recognised: poses are in a frame of this run's own"

    def summary(self) -> dict[str, Any]:
        """For summary.json: keyframes, loops that were closed, and what became of candidates."""
        graph = self.global_map.graph
        return {
            "joined": self.is_joined,
            "localised": not self.is_unlocalised,
            "keyframes": len(graph.poses),
            "keyframes_of_this_run": len(graph.poses_by_stamp()),
            "loops_closed": len(self.global_map.closures),
            "candidates": dict(self.global_map.counts),
            **({} if self._adjustment is None else {"adjusted": self._adjustment.summary()}),
            "problem": self.global_map.problem,
        }


def begin_map_session(config: Config, system: System, is_live: bool) -> MapSession | None:
    """The map beside a ``system`` that has a frontend; None where ``map.mode`` is off, and, with a
    warning, without the package of the features.

    Raises:
        ConfigurationError, MapFileError: as ``open_global_map``.
    """
    section = config.map.resolved(in_node=is_live)
    if section.mode == "off":
        return None
    config = config.model_copy(update={"map": section})
    calibration = system.frontend.rectifier.calibration
    global_map = open_global_map(config, calibration, is_live)
    return None if global_map is None else MapSession(section, system, global_map)
