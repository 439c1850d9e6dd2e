from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.calibration.adjustment import OVERCONFIDENCE, Adjusted, adjust
from denseba_ros.calibration.usual_cameras import usual_camera
from tests.calibration.made_structure import CAMERA, SIZE, made_structure

PRIOR = usual_camera("plumb_bob", SIZE, 550.0)
START = np.array([520.0, 520.0, 319.5, 239.5, -0.2, 0.0, 0.0, 0.0])


def deviation(adjusted: Adjusted) -> np.ndarray:
    return np.sqrt(np.diag(np.linalg.inv(adjusted.information + PRIOR.information())))


def test_the_camera_is_found_from_a_wrong_one() -> None:
    found = adjust(made_structure(), START, "plumb_bob", PRIOR)
    assert found.camera[:2] == pytest.approx(CAMERA[:2], rel=3e-3)
    assert found.camera[2:4] == pytest.approx(CAMERA[2:4], abs=2.0)
    assert found.camera[4] == pytest.approx(-0.28, abs=0.01)
    assert found.noise == pytest.approx(0.3, rel=0.1)


def test_wrong_matches_do_little() -> None:
    found = adjust(made_structure(wrong=0.05), START, "plumb_bob", PRIOR)
    assert found.camera[0] == pytest.approx(CAMERA[0], rel=5e-3)


def test_the_deviation_is_what_repetition_shows() -> None:
    """With independent noise the errors are those deviations, apart from what is added to them."""
    errors, deviations = [], []
    for seed in range(6):
        found = adjust(made_structure(noise=0.6, seed=seed), START, "plumb_bob", PRIOR)
        errors.append(found.camera[0] - CAMERA[0])
        deviations.append(deviation(found)[0] / OVERCONFIDENCE)
    ratio = np.sqrt(np.mean(np.square(errors))) / np.mean(deviations)
    assert 0.4 < ratio < 2.5


def test_driving_straight_on_leaves_the_focal_length_open() -> None:
    turning = adjust(made_structure(), START, "plumb_bob", PRIOR)
    straight = adjust(
        made_structure(turns=0.002, roll=0.002, sideways=0.02), START, "plumb_bob", PRIOR
    )
    assert deviation(straight)[0] > 5.0 * deviation(turning)[0]


def test_without_roll_and_turns_the_principal_point_is_the_usual_one() -> None:
    found = adjust(made_structure(turns=0.0, roll=0.0), START, "plumb_bob", PRIOR)
    assert deviation(found)[2] > 0.5 * PRIOR.deviation[1]


def test_a_fisheye_lens_is_found() -> None:
    camera = np.array([320.0, 320.0, 322.0, 238.0, 0.03, -0.01, 0.0, 0.0])
    prior = usual_camera("equidistant", SIZE, 300.0)
    start = np.array([290.0, 290.0, 319.5, 239.5, 0.0, 0.0, 0.0, 0.0])
    found = adjust(made_structure(camera, "equidistant"), start, "equidistant", prior)
    assert found.camera[:2] == pytest.approx(camera[:2], rel=5e-3)
