"""The image of each lane of a stream at each step; depends on the seed alone.

A lane is one sequence of a batch; a run is a continuous part of a trajectory that a lane plays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Place:
    """One image: ``frame`` of ``trajectory``; ``first``: it is the first of a run; ``mirrored``:
    the run is mirrored."""

    trajectory: int
    frame: int
    first: bool
    mirrored: bool = False


def plan(
    lengths: Sequence[int], lanes: int, seed: int, mirror: bool = False
) -> Iterator[list[Place]]:
    """Endless: at each step the image of each of ``lanes`` lanes, for trajectories of ``lengths``.

    In every pass each image of every trajectory comes exactly once: a trajectory is played from a
    random frame to its end, and the part before that frame as another run. Runs are in random
    order; ``mirror``: half of them are mirrored.
    """
    runs = _runs(lengths, seed, mirror)
    playing = [iter(next(runs)) for _ in range(lanes)]
    while True:
        places = []
        for lane in range(lanes):
            place = next(playing[lane], None)
            if place is None:
                playing[lane] = iter(next(runs))
                place = next(playing[lane])
            places.append(place)
        yield places


def _runs(lengths: Sequence[int], seed: int, mirror: bool) -> Iterator[list[Place]]:
    number = 0
    while True:
        rng = np.random.default_rng((seed, number))
        runs = []
        for trajectory, length in enumerate(lengths):
            start = int(rng.integers(0, max(length - 1, 1)))
            # No run may be a single image, which has no motion.
            start = 0 if start < 2 else start
            pieces = (range(start, length), range(start))
            for piece in pieces:
                mirrored = mirror and bool(rng.random() < 0.5)
                if piece:
                    runs.append([Place(trajectory, k, k == piece[0], mirrored) for k in piece])
        for k in rng.permutation(len(runs)):
            yield runs[k]
        number += 1
