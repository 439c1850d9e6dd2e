"""Where samples come from: a topic's buffer, or a recording."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from denseba_ros.imu.samples import ImuSamples

# Samples farther apart than this (s) are not bridged by interpolation.
_LONGEST_GAP = 0.1


class ImuSource(Protocol):
    """What estimation needs of the samples; ``ImuBuffer`` is one."""

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest sample, None before the first."""
        ...

    def between(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        """The samples between two stamps with interpolated ends; None where any are missing."""
        ...


class RecordedImu:
    """All samples of a recording."""

    def __init__(self, samples: ImuSamples) -> None:
        self._samples = samples

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the last sample."""
        stamps = self._samples.stamp_ns
        return int(stamps[-1]) if len(stamps) else None

    def between(self, start_ns: int, end_ns: int) -> ImuSamples | None:
        """As ``ImuSource`` has it."""
        stamps = self._samples.stamp_ns
        if start_ns >= end_ns or not len(stamps) or start_ns < stamps[0] or end_ns > stamps[-1]:
            return None
        first = int(np.searchsorted(stamps, start_ns, side="right")) - 1
        last = int(np.searchsorted(stamps, end_ns, side="left")) + 1
        part = slice(first, last)
        if np.max(np.diff(stamps[part])) > _LONGEST_GAP * 1e9:
            return None
        s = self._samples
        chosen = ImuSamples(stamps[part], s.gyroscope[part], s.accelerometer[part])
        return chosen.between(start_ns, end_ns)
