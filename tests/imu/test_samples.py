"""Samples of an IMU: validated, and cut at two stamps."""

import numpy as np
import pytest

from denseba_ros.errors import ImuError
from denseba_ros.imu.samples import ImuSamples


def _ramp(count: int = 6, period_ns: int = 5_000_000) -> ImuSamples:
    stamps = np.arange(count, dtype=np.int64) * period_ns
    values = np.arange(count, dtype=np.float64)[:, None] * np.array([1.0, -2.0, 3.0])
    return ImuSamples(stamps, values, 2.0 * values)


def test_ends_are_interpolated() -> None:
    cut = _ramp().between(7_500_000, 17_500_000)
    assert cut.stamp_ns.tolist() == [7_500_000, 10_000_000, 15_000_000, 17_500_000]
    np.testing.assert_allclose(cut.gyroscope[:, 0], [1.5, 2.0, 3.0, 3.5])
    np.testing.assert_allclose(cut.accelerometer, 2.0 * cut.gyroscope)
    assert cut.seconds == pytest.approx(0.01)


def test_ends_on_samples_are_not_repeated() -> None:
    cut = _ramp().between(5_000_000, 15_000_000)
    assert cut.stamp_ns.tolist() == [5_000_000, 10_000_000, 15_000_000]


def test_an_interval_between_two_samples() -> None:
    cut = _ramp().between(6_000_000, 7_000_000)
    np.testing.assert_allclose(cut.gyroscope[:, 0], [1.2, 1.4])


@pytest.mark.parametrize(("start", "end"), [(-1, 10), (0, 26_000_000), (10, 10)])
def test_an_interval_without_samples_is_refused(start: int, end: int) -> None:
    with pytest.raises(ImuError):
        _ramp().between(start, end)


def test_wrong_arrays_are_refused() -> None:
    good = _ramp()
    with pytest.raises(ImuError, match="int64"):
        ImuSamples(good.stamp_ns.astype(float), good.gyroscope, good.accelerometer)
    with pytest.raises(ImuError, match="gyroscope is"):
        ImuSamples(good.stamp_ns, good.gyroscope[1:], good.accelerometer)
    with pytest.raises(ImuError, match="finite"):
        ImuSamples(good.stamp_ns, good.gyroscope, good.accelerometer * np.nan)
    with pytest.raises(ImuError, match="rise"):
        ImuSamples(good.stamp_ns[::-1].copy(), good.gyroscope, good.accelerometer)
