"""Samples of an IMU from a recording: all at once, in whatever order they were written."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from denseba_ros.imu.buffer import ImuBuffer, ImuLimits
from denseba_ros.imu.checks.problems import ImuProblems
from denseba_ros.imu.samples import ImuSamples

_log = logging.getLogger(__name__)


def sorted_samples(
    stamps: Sequence[int], values: Sequence[Sequence[float]], where: str
) -> ImuSamples | None:
    """Samples in the order of their stamps (N, ns); None where none can be used.

    ``values`` are (N, 6): gyroscope, then accelerometer. Of samples with one stamp the first
    counts; those with values that are not finite do not. How many are left out is logged once.
    """
    stamp_ns = np.array(stamps, dtype=np.int64)
    array = np.array(values, dtype=np.float64).reshape(-1, 6)
    finite = np.flatnonzero(np.all(np.isfinite(array), axis=1))
    _, first = np.unique(stamp_ns[finite], return_index=True)
    kept = finite[first]
    if left_out := len(stamp_ns) - len(kept):
        _log.warning(
            "%s: left out %d of %d IMU samples: their stamps repeat or values are not finite",
            where,
            left_out,
            len(stamp_ns),
        )
    if len(kept) == 0:
        return None
    chosen = array[kept]
    return ImuSamples(
        stamp_ns[kept], np.ascontiguousarray(chosen[:, :3]), np.ascontiguousarray(chosen[:, 3:])
    )


def look_through(samples: ImuSamples, limits: ImuLimits) -> ImuProblems:
    """What is wrong with recorded samples, by the checks of live ones; each kind is logged once."""
    buffer = ImuBuffer(limits)
    rows = (samples.gyroscope.tolist(), samples.accelerometer.tolist())
    for stamp, rate, force in zip(samples.stamp_ns.tolist(), *rows, strict=True):
        buffer.add(stamp, tuple(rate), tuple(force))
    return buffer.problems
