"""Samples from before turns of the images confirmed the gyroscope are not used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from denseba_ros.imu.initialisation.visual_path import VisualPath
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from denseba_ros.imu.source import RecordedImu
from denseba_ros.sequences.rendering.rendered_sequence import START_NS
from denseba_ros.slam.inertial.gyroscope.bias import GyroscopeBias
from denseba_ros.slam.inertial.imu_prediction import ImuPrediction
from denseba_ros.slam.inertial.inertial_map import InertialMap
from tests.slam.inertial.walk import Walk

_RIGHT_SINCE = 4.0


@pytest.fixture(scope="module")
def walk() -> Walk:
    """In degrees for four seconds."""
    walk = Walk(3)
    samples = walk.imu.samples
    is_wrong = (samples.stamp_ns - START_NS) * 1e-9 < _RIGHT_SINCE
    rates = np.where(is_wrong[:, None], np.degrees(samples.gyroscope), samples.gyroscope)
    source = RecordedImu(replace(samples, gyroscope=rates))
    walk.prediction = ImuPrediction(source, walk.calibration)
    walk.map = InertialMap(walk.prediction, True)
    return walk


def test_intervals_that_begin_before_tell_nothing(walk: Walk) -> None:
    stamps = [int(stamp) for stamp in walk.stamps]
    before = next(k for k, stamp in enumerate(stamps) if stamp > START_NS + 3.6e9)
    walk.follow(3.7)
    assert walk.prediction.trust.is_wrong
    assert not walk.prediction.is_confirmed_since(stamps[0])
    walk.follow(9.0)
    newest = stamps[walk.next - 1]
    assert walk.prediction.trust.is_earned
    assert walk.prediction.samples(stamps[before], newest) is None
    assert walk.prediction.between(stamps[before], newest) is None
    assert walk.prediction.between(stamps[walk.next - 3], newest) is not None
    assert float(np.linalg.norm(walk.prediction.bias.mean - walk.imu.bias[0, :3])) < 0.01


def test_a_turn_that_tracking_contradicts_is_no_link(walk: Walk) -> None:
    walk.follow(9.0)
    first, last = int(walk.stamps[walk.next - 3]), int(walk.stamps[walk.next - 2])
    turn = walk.prediction.turn(first, last)
    assert turn is not None
    assert walk.map.turn(first, last, turn.R_later_earlier) is not None
    assert walk.map.turn(first, last, turn.R_later_earlier @ turn.R_later_earlier.T) is None


@pytest.mark.parametrize(("rate", "is_taken"), [(0.01, True), (0.3, False)])
def test_a_bias_far_from_that_of_many_turns_is_not_taken(rate: float, is_taken: bool) -> None:
    stamps = np.arange(0, 2_000_000_001, 5_000_000, dtype=np.int64)
    rates = np.tile([0.0, rate, 0.0], (len(stamps), 1))
    samples = ImuSamples(stamps, rates, np.zeros_like(rates))
    bias, path = GyroscopeBias(), VisualPath(np.tile(np.eye(4), (2, 1, 1)), 1.0, 1e-3, np.eye(4))
    bias.update(path, samples, ImuNoise(), (np.zeros(3), 1e-3))
    assert (abs(bias.mean[1] - rate) < 1e-3) == is_taken
    assert bool(np.any(bias.mean)) == is_taken
