from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.calibration.estimate import CameraEstimate
from denseba_ros.calibration.report import as_lines, compare, how_well
from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration

USUAL = np.array([np.inf, np.inf, 13.0, 13.0, 0.3, 0.2, 5e-4, 5e-4])


def estimate(focal_deviation: float = 5.0, centre_deviation: float = 2.0) -> CameraEstimate:
    deviation = [focal_deviation] * 2 + [centre_deviation] * 2 + [0.01, 0.02, 5e-4, 5e-4]
    camera = np.array([500.0, 500.0, 320.0, 240.0, -0.1, 0.0, 0.0, 0.0])
    covariance = np.diag(np.square(deviation))
    return CameraEstimate("plumb_bob", (640, 480), camera, covariance, USUAL, (), 30)


def test_every_number_has_its_deviation() -> None:
    lines = as_lines(estimate())
    assert lines[0] == "fx     500.00 +- 5.00"
    assert lines[4] == "k1    -0.1000 +- 0.0100"
    assert "the images do not tell it" in lines[6]


def test_a_loose_focal_length_is_warned_of() -> None:
    good, loose = how_well(estimate()), how_well(estimate(focal_deviation=40.0))
    assert good.is_good
    assert not loose.is_good
    assert any("does not determine the focal length" in text for text in loose.sentences)


def test_a_guessed_principal_point_is_said() -> None:
    assert "guess near the centre" in " ".join(how_well(estimate(centre_deviation=12.9)).sentences)


def test_a_wrong_calibration_is_said_with_its_error() -> None:
    wrong = Calibration(640, 480, 515.5, 500.0, 320.0, 240.0, "plumb_bob", (-0.1, 0.0, 0.0, 0.0))
    verdict = compare(estimate(), wrong, "camera.yaml")
    assert not verdict.is_good
    assert verdict.sentences[0] == "camera.yaml does not fit the clip."
    assert verdict.sentences[1].startswith("fx is 3.1 % off: 515.5 in camera.yaml, 500.0")
    assert "differ by 0.0 pixels" in verdict.sentences[-1]


def test_a_clip_that_does_not_tell_the_focal_length_judges_no_calibration() -> None:
    right = Calibration(640, 480, 525.0, 525.0, 320.0, 240.0)
    verdict = compare(estimate(focal_deviation=68.0), right, "camera.yaml")
    assert verdict.sentences[0] == "Whether camera.yaml fits is not for this clip to say."


def test_a_right_calibration_fits() -> None:
    right = Calibration(640, 480, 503.0, 503.0, 321.0, 240.0)
    verdict = compare(estimate(), right, "camera.yaml")
    assert verdict.is_good
    assert "which they allow" in verdict.sentences[1]


def test_another_size_is_refused() -> None:
    with pytest.raises(CalibrationError, match="320x240"):
        compare(estimate(), Calibration(320, 240, 250.0, 250.0, 160.0, 120.0), "camera.yaml")
