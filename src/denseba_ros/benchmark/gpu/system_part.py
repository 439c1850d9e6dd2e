"""Part: the whole system, in lockstep and with the mapping thread and its CUDA stream."""

from __future__ import annotations

import torch

from denseba_ros.benchmark.gpu.figure import Figure, PartResult
from denseba_ros.benchmark.gpu.gpu_job import GpuJob
from denseba_ros.benchmark.gpu.played_path import PlayedPath, path_difference, path_error, play
from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.sequences.sequence import Sequence, StampedImage
from denseba_ros.sequences.trajectory import Trajectory

BAR_FPS = 100.0
# What sums in another order may come to in the end; a stale or half-written map errs by more.
SAME_M, SAME_DEG = 0.005, 0.1
# A path may err by so much more than its yardstick (times, metres), as in tests/slam.
_TIMES, _METRES = 2.0, 0.002
# A longer sequence would not fit into the part's time.
_MOST_IMAGES = 300


def run(job: GpuJob) -> PartResult:
    """Frames per second in lockstep; agreement of live and lockstep; error beside the CPU's.

    Raises:
        DensebaError: for a sequence that cannot be read.
    """
    sequence = _room(job.is_trial) if job.open_sequence is None else job.open_sequence()
    frames = [frame for frame, _ in zip(sequence, range(_MOST_IMAGES), strict=False)]
    config = Config(device=job.device.type)
    warm = _play(config, sequence, frames, "lockstep")  # compiles, captures
    paths = {
        name: _play(config, sequence, frames, name) for name in ("lockstep", "awaited", "camera")
    }
    lockstep = paths["lockstep"]
    figures = [
        Figure("lockstep", lockstep.frames_per_second, "images/s", BAR_FPS, is_least=True),
        Figure("lockstep, tracked", len(lockstep.tracked) / len(frames), bar=0.9, is_least=True),
        *_same("lockstep repeated, largest difference", warm, lockstep, has_bar=False),
        *_same("mapping thread awaited, difference from lockstep", paths["awaited"], lockstep),
        *_camera_rate(paths["camera"], lockstep),
    ]
    if job.device.type == "cuda":
        used = torch.cuda.max_memory_allocated(job.device) / 2**20
        figures.append(Figure("GPU memory, peak", used, "MiB"))
        paths["cpu"] = _play(Config(device="cpu"), sequence, frames, "lockstep")
    truth = sequence.groundtruth()
    figures += _errors(paths, truth) if truth is not None else []
    details = {name: path.times.as_json() for name, path in paths.items()}
    note = f"{sequence.name}, {len(frames)} images of {_size(frames[0])}"
    return PartResult(figures, [note], details)


def _room(is_trial: bool) -> RoomSequence:
    return RoomSequence("sweep", 24, 160, 120) if is_trial else RoomSequence("sweep", 200)


def _size(frame: StampedImage) -> str:
    return "x".join(str(side) for side in frame.image.shape[1::-1])


def _play(config: Config, sequence: Sequence, frames: list[StampedImage], mode: str) -> PlayedPath:
    return play(config, sequence.calibration, frames, mode)


def _same(name: str, one: PlayedPath, other: PlayedPath, has_bar: bool = True) -> list[Figure]:
    metres, degrees = path_difference(one, other)
    return [
        Figure(f"{name}, position", metres, "m", SAME_M if has_bar else None),
        Figure(f"{name}, rotation", degrees, "deg", SAME_DEG if has_bar else None),
    ]


def _camera_rate(live: PlayedPath, lockstep: PlayedPath) -> list[Figure]:
    total = live.times.as_json()["stages"]["total"]
    least = len(lockstep.tracked) - 1
    return [
        Figure("at the camera's rate, an image, median", total["median_ms"], "ms"),
        Figure("at the camera's rate, an image, 95 %", total["p95_ms"], "ms"),
        Figure("at the camera's rate, tracked", len(live.tracked), bar=least, is_least=True),
    ]


def _errors(paths: dict[str, PlayedPath], truth: Trajectory) -> list[Figure]:
    """The path's error in every way of playing, held to that of lockstep, and this to the CPU's."""
    errors = {name: path_error(path, truth) for name, path in paths.items()}
    figures = []
    for name, error in errors.items():
        yardstick = errors.get("cpu" if name == "lockstep" else "lockstep")
        bar = None if name == "cpu" or yardstick is None else _TIMES * yardstick + _METRES
        figures.append(Figure(f"error of the path, {name}", error, "m", bar))
    return figures
