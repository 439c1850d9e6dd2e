"""Recovery of tracking after black images, over a whole sequence."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from denseba_ros.config import Config
from denseba_ros.device import give_cores_to_loops
from denseba_ros.errors import SequenceError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.sequence import StampedImage
from denseba_ros.slam.system import System

# Index of a black image.
BLACK = -1


@dataclass(frozen=True)
class Cuts:
    """After every ``every`` frames ``black`` images, then on from ``back`` frames before."""

    every: int = 140
    black: int = 20
    back: int = 60


@dataclass(frozen=True)
class Played:
    """One image of an interrupted sequence: its index there or BLACK, whether it was tracked, the
    ``position`` (3,) of the camera, and seconds of work."""

    index: int
    tracked: bool
    position: np.ndarray
    seconds: float


@dataclass(frozen=True)
class Recovery:
    """After one cut: ``images`` until tracked again, counted from one, None where the next cut came
    first; ``offset`` between the positions of that image before and after the cut, where it has
    both, and ``path``, the length of the way until the cut, in units of the odometry; mean
    ``seconds`` of an image until then."""

    frame: int
    images: int | None
    offset: float | None
    path: float
    seconds: float


def interrupted(frames: Sequence[StampedImage], cuts: Cuts) -> Iterator[StampedImage]:
    """The frames with cuts between them, to their end; stamps go on in even steps.

    Raises:
        SequenceError: when the cuts go back further than they go on, or leave no frame.
    """
    if not 0 <= cuts.back < cuts.every < len(frames) or cuts.black < 1:
        raise SequenceError(f"{len(frames)} frames cannot be played with {cuts}")
    interval = int(np.median(np.diff([frame.stamp_ns for frame in frames])))
    dark = np.zeros_like(frames[0].image)
    for number, place in enumerate(_places(len(frames), cuts)):
        stamp = frames[0].stamp_ns + number * interval
        if place == BLACK:
            yield StampedImage(BLACK, stamp, dark)
        else:
            yield replace(frames[place], index=place, stamp_ns=stamp)


def _places(count: int, cuts: Cuts) -> Iterator[int]:
    first = 0
    while True:
        yield from range(first, min(first + cuts.every, count))
        first += cuts.every - cuts.back
        if first + cuts.back >= count:
            return
        yield from [BLACK] * cuts.black


def play(config: Config, calibration: Calibration, frames: Iterable[StampedImage]) -> list[Played]:
    """The system over the frames, one after the other."""
    give_cores_to_loops()
    system = System(config, calibration)
    played = []
    for frame in frames:
        started = time.perf_counter()
        estimate = system.process(frame.stamp_ns, frame.image)
        seconds = time.perf_counter() - started
        system.finished_keyframes()
        tracked = estimate.is_measured
        played.append(Played(frame.index, tracked, estimate.T_world_camera[:3, 3], seconds))
    return played


def recoveries(played: Sequence[Played]) -> list[Recovery]:
    """One entry for each run of black images that others follow."""
    runs = [(dark, list(run)) for dark, run in groupby(played, lambda one: one.index == BLACK)]
    known: dict[int, np.ndarray] = {}
    found, path = [], 0.0
    for number, (dark, run) in enumerate(runs):
        if dark:
            continue
        if number:
            found.append(_recovery(run, known, path))
        seen = [one for one in run if one.tracked]
        positions = np.array([one.position for one in seen]).reshape(-1, 3)
        path += float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())
        known |= {one.index: one.position for one in seen}
    return found


def _recovery(run: Sequence[Played], known: dict[int, np.ndarray], path: float) -> Recovery:
    number = next((k for k, one in enumerate(run) if one.tracked), None)
    tried = run if number is None else run[: number + 1]
    seconds = float(np.mean([one.seconds for one in tried]))
    first = run[0].index
    if number is None:
        return Recovery(first, None, None, path, seconds)
    before = known.get(run[number].index)
    offset = None if before is None else float(np.linalg.norm(run[number].position - before))
    return Recovery(first, number + 1, offset, path, seconds)
