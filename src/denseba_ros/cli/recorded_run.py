"""One run over a recorded sequence: the system, its map, and what is written and shown of them."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tqdm import tqdm

from denseba_ros.config import TOPIC, Config
from denseba_ros.device import pick_device
from denseba_ros.evaluation.results.run_statistics import RunStatistics, machine_summary
from denseba_ros.evaluation.results.run_writer import RunWriter
from denseba_ros.global_map.adjustment.lens import Lens
from denseba_ros.global_map.adjustment.refined_camera import refined_camera
from denseba_ros.global_map.closing.closure import Closure
from denseba_ros.global_map.map_session import MapSession
from denseba_ros.sequences.brightness.image_problems import ImageProblems
from denseba_ros.sequences.prefetch import prefetch
from denseba_ros.sequences.sequence import Sequence, StampedImage
from denseba_ros.slam.inertial.imu_status import ImuStatus
from denseba_ros.slam.state.estimate import Estimate, Keyframe
from denseba_ros.slam.system import System
from denseba_ros.viewer.live_view import LiveView


@dataclass
class RecordedRun:
    """``session`` is None without a map, ``view`` without a viewer; ``is_refined``: the map
    is adjusted as a whole at the end. ``imu``: what was known of an IMU at the last image."""

    config: Config
    sequence: Sequence
    system: System
    session: MapSession | None
    writer: RunWriter
    view: LiveView | None
    is_refined: bool = False
    statistics: RunStatistics = field(default_factory=RunStatistics)
    problems: ImageProblems = field(default_factory=ImageProblems)
    imu: ImuStatus | None = None

    def process(self) -> None:
        """All images, each written as soon as it is estimated."""
        with closing(prefetch(self.sequence)) as frames:
            # disable=None: a bar on a terminal, nothing in a log file
            for frame in tqdm(frames, total=len(self.sequence), unit="frame", disable=None):
                self._process_one(frame)

    def finish(self, is_whole: bool) -> None:
        """Write what is known only at the end; ``is_whole``: nobody interrupted the run.

        Raises:
            MapFileError: when the map cannot be written; all else is.
        """
        self._keep([*self.system.finished_keyframes(), *self.system.keyframes()])
        if self.session is None:
            return
        try:
            self.session.finish()
            if self.is_refined and is_whole and self.config.map.mode == "mapping":
                self.session.adjust(partial(tqdm, desc="map", unit="pair", disable=None))
                self._refine_camera(self.session.lens)
        finally:
            self._correct(self.session)

    def _refine_camera(self, lens: Lens | None) -> None:
        if lens is not None:
            self.writer.write_refined_camera(refined_camera(self.sequence.calibration, lens))

    def write_summary(self, elapsed: float, finished: bool, imu: dict[str, Any]) -> None:
        """Write summary.json after ``elapsed`` seconds; ``imu``: what is said of its samples."""
        self.writer.write_summary(
            {
                "sequence": self.sequence.name,
                "pose": "map",
                "timing": "lockstep",
                "finished": finished,
                "frames_expected": len(self.sequence),
                "frames_left_out": dict(self.sequence.drops),
                "image_problems": dict(self.problems.counts),
                **self.depth_summary(),
                **imu,
                **self.statistics.summary(),
                "keyframes": self.writer.keyframes,
                "depth_pixels_beyond_65_m": self.writer.depth_pixels_clipped,
                **({} if self.session is None else {"map": self.session.summary()}),
                "elapsed_seconds": elapsed,
                **machine_summary(pick_device(self.config.device)),
                "calibration": asdict(self.sequence.calibration),
                "configuration": self.config.model_dump(),
            }
        )

    def depth_summary(self) -> dict[str, int]:
        """How many images came without depth, where depth was asked for."""
        if self.config.frontend.depth_model != TOPIC:
            return {}
        return {"images_without_depth": self.statistics.without_depth}

    def _process_one(self, frame: StampedImage) -> None:
        before = time.perf_counter()
        self.problems.look(frame)
        estimate = self.system.process(frame.stamp_ns, frame.image, frame.depth)
        closure = None
        if self.session is not None:
            self.writer.add_tracked(estimate)
            estimate, closure = self.session.follow(estimate)
        seconds = time.perf_counter() - before
        self.statistics.without_depth += frame.depth is None
        self.statistics.add(estimate, seconds)
        self.imu = estimate.imu
        self.writer.add_estimate(estimate, self.session is None or self.session.is_joined)
        self._keep(self.system.finished_keyframes())
        if self.view is not None:
            self._move_keyframes(self.view, estimate, closure)
            self.view.show(estimate, frame.image, self.sequence.calibration, seconds)

    def _keep(self, keyframes: list[Keyframe]) -> None:
        """Write keyframes that will not change, and show them."""
        for keyframe in keyframes:
            self.writer.add_keyframe(keyframe)
        if self.view is not None and keyframes:
            self.view.add_keyframes(keyframes)
            if self.session is not None:
                poses = self.session.keyframe_poses()
                stamps = {keyframe.stamp_ns for keyframe in keyframes} & poses.keys()
                self.view.update_keyframe_poses({stamp: poses[stamp] for stamp in stamps})

    def _move_keyframes(self, view: LiveView, estimate: Estimate, closure: Closure | None) -> None:
        if self.session is not None and closure is not None:
            view.update_keyframe_poses(self.session.keyframe_poses())
        elif estimate.is_map_updated:
            poses = self.system.keyframe_poses()
            if self.session is not None:
                S = self.session.global_map.graph.S_map_world
                poses = {stamp: S @ T for stamp, T in poses.items()}
            view.update_keyframe_poses(poses)

    def _correct(self, session: MapSession) -> None:
        """Write the path as the map has it now, and keyframes and their points where they are."""
        poses = session.keyframe_poses()
        self.writer.move_keyframes(poses)
        if self.view is not None:
            self.view.update_keyframe_poses(poses)
        if session.is_joined or self.config.map.mode == "mapping":
            self.writer.write_final(*session.path())
        if not session.is_joined and self.config.map.mode == "mapping":
            self.writer.keep_own_frame()
