"""The chain beside the window along a walk with an IMU: scale, gravity, velocities, deviations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.slam.inertial.walk import SCALE, Walk


@pytest.fixture(scope="module")
def walks() -> list[Walk]:
    return [Walk(seed) for seed in range(2)]


def test_the_scale_is_known_to_its_deviation(walks: list[Walk]) -> None:
    for walk in walks:
        motion = walk.follow(12.0)
        assert motion is not None
        error = np.log(motion.world.metres_per_unit / SCALE)
        assert motion.scale.sigma < 0.025
        assert abs(error) < 3.0 * motion.scale.sigma


def test_velocity_biases_and_gravity_are_known_to_their_deviations(walks: list[Walk]) -> None:
    for walk in walks:
        motion = walk.follow(12.0)
        assert motion is not None
        errors, P = walk.errors(motion), motion.covariance
        for rows in (slice(6, 9), slice(9, 12), slice(12, 15), slice(16, 18)):
            nees = errors[rows] @ np.linalg.solve(P[rows, rows], errors[rows])
            assert nees < 16.0
        assert np.linalg.norm(errors[6:9]) < 0.05
        assert np.degrees(np.linalg.norm(errors[16:18])) < 0.5


def test_a_world_that_grows_has_fewer_metres_a_unit(walks: list[Walk]) -> None:
    usual = walks[0].follow(9.0)
    grown = walks[0].follow(9.0, growth=1.3)
    assert usual is not None
    assert grown is not None
    ratio = usual.world.metres_per_unit / grown.world.metres_per_unit
    assert ratio == pytest.approx(1.3, rel=2e-3)
    assert grown.state.velocity == pytest.approx(usual.state.velocity, abs=2e-3)
    assert grown.scale.sigma == pytest.approx(usual.scale.sigma, rel=0.02)


@pytest.mark.parametrize("factor", [1.2, 0.85])
def test_the_scale_follows_a_unit_that_jumps(factor: float) -> None:
    walk = Walk(1, jump=(9.0, factor))
    before = walk.follow(9.0)
    assert before is not None
    assert abs(walk.errors(before)[15]) < 0.04
    after = walk.follow(11.0)
    assert after is not None
    error = walk.errors(after)[15] - np.log(factor)
    assert abs(error) < 0.04
    assert abs(error) < 3.0 * after.scale.sigma


def test_missing_samples_end_it_and_it_begins_again(walks: list[Walk]) -> None:
    walk = Walk(0, gap=(8.05, 8.5))
    assert walk.follow(8.0) is not None
    assert walk.follow(9.0) is None
    assert "missing" in walk.map.doubt
    assert walk.follow(16.0) is not None


def test_without_acceleration_it_says_so() -> None:
    walk = Walk(0, path="standstill")
    assert walk.follow(12.0) is None
    assert "not enough turn yet" in walk.map.doubt
