"""Wrong units and axes are found from gravity, and right ones are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.imu.checks.plausibility import Plausibility
from denseba_ros.imu.checks.problems import ImuProblems, Problem
from denseba_ros.imu.noise import ImuNoise
from denseba_ros.imu.samples import ImuSamples
from tests.imu.motion import Motion, with_noise

T = np.arange(0.0, 30.0, 0.01)


def _samples(seed: int, acceleration: float = 1.0, turn: float = 0.4) -> ImuSamples:
    motion = Motion.random(seed, acceleration, turn)
    bias = np.array([0.01, -0.01, 0.01, 0.2, -0.2, 0.1])
    return with_noise(motion.samples(T), ImuNoise(), bias, np.random.default_rng(seed))


def _found(samples: ImuSamples, rate: np.ndarray, force: np.ndarray) -> list[Problem]:
    problems = ImuProblems(lambda kind, text: None)
    plausibility = Plausibility(problems)
    rows = (samples.gyroscope @ rate.T).tolist(), (samples.accelerometer @ force.T).tolist()
    for stamp, w, f in zip(samples.stamp_ns.tolist(), *rows, strict=True):
        plausibility.look(stamp, tuple(w), tuple(f))
    assert all(count == 1 for count in problems.counts.values())
    return sorted(problems.counts)


EYE = np.eye(3)
SWAPPED = EYE[[1, 0, 2]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("acceleration", [0.0, 1.0, 3.0])
def test_right_samples_are_left_alone(seed: int, acceleration: float) -> None:
    assert _found(_samples(seed, acceleration), EYE, EYE) == []


def test_standing_still_says_nothing_of_axes() -> None:
    still = _samples(0, acceleration=0.0, turn=0.0)
    assert _found(still, EYE, EYE) == []
    assert _found(still, np.degrees(1.0) * EYE, EYE) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("rate", "force", "problem"),
    [
        (EYE, EYE / 9.81, Problem.IN_G),
        (EYE, EYE * 0.1, Problem.IN_G),
        (EYE, EYE * 100.0, Problem.UNKNOWN_UNIT),
        (EYE, EYE * 1e-3, Problem.NO_GRAVITY),
        (np.degrees(1.0) * EYE, EYE, Problem.IN_DEGREES),
        (-EYE, EYE, Problem.AXES),
        (SWAPPED, EYE, Problem.AXES),
        (EYE, np.diag([1.0, 1.0, -1.0]), Problem.AXES),
    ],
)
def test_wrong_units_and_axes(
    seed: int, rate: np.ndarray, force: np.ndarray, problem: Problem
) -> None:
    assert _found(_samples(seed), rate, force) == [problem]
