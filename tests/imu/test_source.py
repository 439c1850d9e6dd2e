"""A recording as a source of samples."""

from __future__ import annotations

import numpy as np

from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import RecordedImu

MS = 1_000_000


def _recorded(stamps_ms: list[int]) -> RecordedImu:
    stamps = np.array(stamps_ms, dtype=np.int64) * MS
    values = np.outer(stamps_ms, [1.0, 2.0, 3.0])
    return RecordedImu(ImuSamples(stamps, values, -values))


def test_what_lies_between_with_interpolated_ends() -> None:
    cut = _recorded(list(range(0, 100, 5))).between(12 * MS, 31 * MS)
    assert cut is not None
    assert cut.stamp_ns.tolist() == [t * MS for t in (12, 15, 20, 25, 30, 31)]
    np.testing.assert_allclose(cut.gyroscope[:, 0], [12, 15, 20, 25, 30, 31])


def test_none_outside_and_across_a_gap() -> None:
    source = _recorded([*range(0, 100, 5), *range(300, 400, 5)])
    assert source.newest_ns == 395 * MS
    assert source.between(-1, 10 * MS) is None
    assert source.between(10 * MS, 396 * MS) is None
    assert source.between(10 * MS, 10 * MS) is None
    assert source.between(90 * MS, 310 * MS) is None
    assert source.between(310 * MS, 390 * MS) is not None
