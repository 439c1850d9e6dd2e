"""An accelerometer that is wrong gives no metres, and takes back those that were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.rendering.rendered_sequence import START_NS
from denseba_ros.slam.inertial.accelerometer_trust import has_plausible_bias
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_map import InertialMap
from tests.slam.inertial.walk import Walk

Wrong = Callable[[np.ndarray], np.ndarray]
_WRONG: dict[str, Wrong] = {
    "in g": lambda force: force / 9.81,
    "half": lambda force: 0.5 * force,
    "other axes": lambda force: force[:, [2, 0, 1]],
    "zero": np.zeros_like,
}


def _walk(wrong: Wrong, since: float, until: float = np.inf) -> Walk:
    """The accelerometer is ``wrong`` between two times (s)."""
    walk = Walk(3)
    samples = walk.imu.samples
    seconds = (samples.stamp_ns - START_NS) * 1e-9
    is_bad = (seconds >= since) & (seconds < until)
    force = np.where(is_bad[:, None], wrong(samples.accelerometer), samples.accelerometer)
    walk.prediction = ImuPrediction(
        RecordedImu(replace(samples, accelerometer=force)), walk.calibration
    )
    walk.map = InertialMap(walk.prediction, True)
    return walk


@pytest.mark.parametrize("fault", _WRONG)
def test_metres_end_where_it_begins_to_be_wrong(fault: str) -> None:
    walk = _walk(_WRONG[fault], 9.0)
    assert walk.follow(8.9) is not None
    assert walk.follow(9.6) is None
    assert walk.map.doubt == "the accelerometer does not fit the images"
    assert walk.follow(16.0) is None


@pytest.mark.parametrize("fault", _WRONG)
def test_one_that_was_wrong_from_the_first_gives_none(fault: str) -> None:
    walk = _walk(_WRONG[fault], 0.0)
    assert all(walk.follow(until) is None for until in (6.0, 8.0, 11.0, 16.0))


def test_one_that_was_wrong_for_a_while_is_used_again() -> None:
    walk = _walk(_WRONG["in g"], 7.0, 8.0)
    assert walk.follow(8.0) is None
    motion = walk.follow(16.0)
    assert motion is not None
    error = walk.errors(motion)[15]
    assert abs(error) < 4.0 * motion.scale.sigma


@pytest.mark.parametrize("gain", [0.92, 1.1])
def test_gravity_tells_a_gain_that_is_off(gain: float) -> None:
    walk = _walk(lambda force: gain * force, 0.0)
    motion = walk.follow(14.0)
    assert motion is not None
    assert np.log(motion.world.gain) == pytest.approx(np.log(gain), abs=0.03)
    error = walk.errors(motion)[15]
    assert abs(error) < 0.035
    assert abs(error) < 3.0 * motion.scale.sigma


def test_a_bias_is_within_a_metre_per_second_squared() -> None:
    assert has_plausible_bias(np.array([0.3, 0.3, 0.3, 0.4, -0.3, 0.2]))
    assert not has_plausible_bias(np.array([0.0, 0.0, 0.0, 1.1, 0.0, 0.0]))
    assert not has_plausible_bias(np.zeros(6), fit=50.0)
