"""A recorded sequence played forth and back endlessly, for long runs with short recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from denseba_ros.errors import SequenceError
from denseba_ros.sequences.sequence import StampedImage


def palindrome(frames: Sequence[StampedImage], count: int) -> Iterator[StampedImage]:
    """``count`` frames: all forwards, backwards, forwards ... The motion never jumps.

    Indices count from 0; stamps go on in steps of the recording's median interval.

    Raises:
        SequenceError: for fewer than two frames.
    """
    if len(frames) < 2:
        raise SequenceError(f"{len(frames)} frames cannot be played forth and back")
    stamps = np.array([frame.stamp_ns for frame in frames], np.int64)
    interval = int(np.median(np.diff(stamps)))
    for index, place in enumerate(islice(_places(len(frames)), count)):
        stamp = int(stamps[0]) + index * interval
        yield replace(frames[place], index=index, stamp_ns=stamp)


def _places(length: int) -> Iterator[int]:
    """0, 1 ... length - 1, length - 2 ... 1, 0, 1 ..."""
    while True:
        yield from range(length - 1)
        yield from range(length - 1, 0, -1)
