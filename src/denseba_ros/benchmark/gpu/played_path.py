"""The whole system over decoded images, in lockstep or with mapping in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from denseba_ros.benchmark.gpu.figure import largest
from denseba_ros.benchmark.system.stages import StageTimes
from denseba_ros.config import Config
from denseba_ros.evaluation.trajectory.alignment import umeyama
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.sequences.trajectory import Trajectory
from denseba_ros.slam.state.estimate import Estimate
from denseba_ros.slam.system import System
from denseba_ros.slam.warm_up import warmed_up

MODES = ("lockstep", "awaited", "camera")
"""How images come: each waits for mapping in the same thread; mapping has its own thread, and each
image waits for that; images come at the camera's rate and wait for nothing."""


@dataclass
class PlayedPath:
    """Estimates of all images in order, and the times of the stages."""

    estimates: list[Estimate] = field(default_factory=list)
    times: StageTimes = field(default_factory=StageTimes)

    @property
    def frames_per_second(self) -> float:
        """Over the time inside the system alone."""
        return self.times.frames / sum(self.times.seconds["total"])

    @property
    def tracked(self) -> list[Estimate]:
        """Those with a measured position."""
        return [e for e in self.estimates if e.is_measured]


def play(
    config: Config, calibration: Calibration, frames: Sequence[StampedImage], mode: str
) -> PlayedPath:
    """Estimates of ``frames`` in one of the MODES; a live system is set up as the nodes do it."""
    is_live = mode != "lockstep"
    system = warmed_up(config, is_live)
    system.change_camera(calibration)
    played, started = PlayedPath(), time.perf_counter()
    for frame in frames:
        due = started + 1e-9 * (frame.stamp_ns - frames[0].stamp_ns)
        if mode == "camera":
            time.sleep(max(0.0, due - time.perf_counter()))
        begin = time.perf_counter()
        estimate = _process(system, frame)
        played.times.add(estimate, time.perf_counter() - begin)
        played.estimates.append(estimate)
        system.finished_keyframes()
        if mode == "awaited":
            system.await_mapping()
    return played


def _process(system: System, frame: StampedImage) -> Estimate:
    estimate = system.process(frame.stamp_ns, frame.image)
    if system.frontend.device.type == "cuda":
        # Of this thread alone: the mapper's stream goes on.
        torch.cuda.current_stream().synchronize()
    return estimate


def path_difference(first: PlayedPath, second: PlayedPath) -> tuple[float, float]:
    """Largest difference of position (the map's metres) and of rotation (degrees) of one image.

    Keyframes are left out, in either path: a live system gives their pose before the adjustment,
    lockstep after it. NaN where no image is left to be compared.
    """
    metres, degrees = [], []
    for a, b in zip(first.estimates, second.estimates, strict=True):
        if a.tracking is not b.tracking:
            return float("inf"), float("inf")
        if a.is_keyframe or b.is_keyframe:
            continue
        apart_m = a.T_world_camera[:3, 3] - b.T_world_camera[:3, 3]
        metres.append(float(np.linalg.norm(apart_m)))
        apart = a.T_world_camera[:3, :3].T @ b.T_world_camera[:3, :3]
        # By the sine, which is exact for small angles: |R - R^T| is 2 sqrt(2) sin.
        sine = np.linalg.norm(apart - apart.T) / np.sqrt(8.0)
        degrees.append(float(np.degrees(np.arctan2(sine, (np.trace(apart) - 1.0) / 2.0))))
    if not metres:
        return float("nan"), float("nan")
    return largest(metres), largest(degrees)


def path_error(played: PlayedPath, truth: Trajectory) -> float:
    """RMSE (m) of the positions of the tracked images after Sim(3) alignment; the truth of an image
    is that of the nearest stamp. NaN where fewer than three are tracked."""
    if len(played.tracked) < 3:
        return float("nan")
    path = np.array([e.T_world_camera[:3, 3] for e in played.tracked])
    stamps = np.array([e.stamp_ns for e in played.tracked])
    nearest = np.abs(truth.stamps_ns[None] - stamps[:, None]).argmin(axis=1)
    true = truth.T_world_camera[nearest][:, :3, 3]
    errors = umeyama(path, true).points(path) - true
    return float(np.sqrt(np.mean(np.sum(errors**2, axis=1))))
