"""Turning on the spot: the rotation is known at once, through every change of the reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from denseba_ros.config import Config
from denseba_ros.sequences.room.synthetic_room import RoomSequence
from denseba_ros.slam.state.estimate import Estimate, Tracking
from denseba_ros.slam.system import System
from tests.slam.oracle import Oracle
from tests.slam.pan import pan, rotation_error

pytestmark = pytest.mark.slow

_STEPS = [5.0, 20.0]


def _said(sequence: RoomSequence, has_model: bool) -> list[Estimate]:
    settings = Config.from_dict({"device": "cpu", "frontend": {"depth_model": "constant"}})
    system = System(settings, sequence.calibration)
    oracle = Oracle(sequence, 0.2, 0.25)
    if has_model:
        system.frontend.depth_model = oracle
    said = []
    for frame in sequence:
        oracle.index = frame.index
        # Slowly, so that no velocity is beyond what the motion model expects.
        said.append(system.process(10**9 + 10**8 * frame.index, frame.image))
    return said


@pytest.mark.parametrize("has_model", [False, True])
@pytest.mark.parametrize("step", _STEPS)
def test_a_pan_is_right_to_a_degree_and_to_its_deviations(step: float, has_model: bool) -> None:
    """90 degrees or more, further than the view is wide."""
    sequence = pan([step * k for k in range(int(np.ceil(90.0 / step)) + 1)])
    said = _said(sequence, has_model)
    for i, estimate in enumerate(said):
        error = rotation_error(sequence, i, estimate.T_world_camera)
        sigma = np.degrees(np.sqrt(np.trace(estimate.covariance[3:, 3:])))
        assert error < 1.0
        assert error < 3.0 * sigma
        # Neither is it doubt that makes it so.
        assert sigma < 2.0
        tracked = has_model and i > 0
        assert estimate.tracking is (Tracking.TRACKING if tracked else Tracking.INITIALISING)
        position = estimate.T_world_camera[:3, 3]
        assert np.linalg.norm(position) < max(
            3.0 * np.sqrt(np.trace(estimate.covariance[:3, :3])), 1e-6
        )


@pytest.mark.parametrize("has_model", [False, True])
def test_a_turn_too_large_to_be_measured_is_predicted_and_says_so(has_model: bool) -> None:
    """By 70 degrees an image, of which the view is 63 wide."""
    sequence = pan([70.0 * k for k in range(3)])
    said = _said(sequence, has_model)
    sigmas = [np.degrees(np.sqrt(np.trace(e.covariance[3:, 3:]))) for e in said]
    assert {e.tracking for e in said} == {Tracking.INITIALISING}
    assert all(b > a for a, b in itertools.pairwise(sigmas))
    for i, sigma in enumerate(sigmas[1:], start=1):
        assert rotation_error(sequence, i, said[i].T_world_camera) < 3.0 * sigma
