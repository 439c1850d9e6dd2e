"""Which image each lane of a stream shows at each step; depends on the seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Place:
    """One image: ``frame`` of ``trajectory``; ``first`` of a run, before which nothing is known;
    ``mirrored``: the run is shown as in a mirror."""

    trajectory: int
    frame: int
    first: bool
    mirrored: bool = False


def plan(
    lengths: Sequence[int], lanes: int, seed: int, mirror: bool = False
) -> Iterator[list[Place]]:
    """Forever, at each step, the place of each of ``lanes`` lanes; ``mirror`` half of the runs.

    In every pass each image of every trajectory comes exactly once: a trajectory is played from a
    random frame to its end, and its beginning as a run of its own. Runs come in random order.
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
            # Neither run may be a single image, from which no motion shows.
            start = 0 if start < 2 else start
            pieces = (range(start, length), range(start))
            for piece in pieces:
                turned = mirror and bool(rng.random() < 0.5)
                if piece:
                    runs.append([Place(trajectory, k, k == piece[0], turned) for k in piece])
        for k in rng.permutation(len(runs)):
            yield runs[k]
        number += 1
