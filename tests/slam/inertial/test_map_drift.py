"""How far a map's unit and axes drift: by how much of the view is another, and by what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry import pose_step
from denseba_ros.slam.inertial.map_drift import MapDrift

_STEP = pose_step.exp(np.array([0.3, 0.0, 0.4, 0.0, 0.2, 0.0]))


def test_turnover_is_of_travel_over_depth_and_of_turns() -> None:
    moved = MapDrift.between(np.eye(4), pose_step.exp(np.array([0.3, 0.0, 0.4, 0, 0, 0])), 2.0)
    turned = MapDrift.between(np.eye(4), pose_step.exp(np.array([0, 0, 0, 0.0, 0.2, 0.0])), 2.0)
    assert moved.turnover == pytest.approx(0.25, abs=1e-3)
    assert turned.turnover == pytest.approx(0.2, abs=1e-3)


def test_a_map_of_another_unit_drifts_the_same() -> None:
    grown = _STEP.copy()
    grown[:3, 3] *= 3.0
    usual = MapDrift.between(np.eye(4), _STEP, 2.0)
    assert MapDrift.between(np.eye(4), grown, 6.0).variance == pytest.approx(usual.variance)


def test_a_step_that_is_seen_has_its_own_variance() -> None:
    drift = MapDrift.between(np.eye(4), _STEP, 2.0)
    still, far = drift.judged(0.0), drift.judged(0.3**2)
    assert still.variance < 0.1 * drift.variance
    assert np.sqrt(far.variance) == pytest.approx(0.3 / np.sqrt(2.0), rel=0.01)
    assert far.judged(0.0) == still


def test_gravity_walks_with_the_view() -> None:
    assert MapDrift(4.0, 1.0).gravity_variance == pytest.approx(
        4.0 * MapDrift(1.0, 1.0).gravity_variance
    )
