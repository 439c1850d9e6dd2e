from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from denseba_ros.calibration import estimate
from denseba_ros.calibration.adjustment import Adjusted
from denseba_ros.calibration.estimate import combined
from denseba_ros.calibration.usual_cameras import is_unusual, plain_camera, usual_camera

SIZE = (640, 480)
CENTRE = [319.5, 239.5]


def section(focal: float, deviation: float) -> Adjusted:
    """One that says nothing but the focal length."""
    direction = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]) / 2.0
    camera = np.array([focal, focal, *CENTRE, 0.0, 0.0, 0.0, 0.0])
    return Adjusted(camera, np.outer(direction, direction) / deviation**2, 0.3, 1000)


def test_what_two_sections_say_alike_is_known_better() -> None:
    one = combined([section(500.0, 4.0)], SIZE, "plumb_bob", 20)
    two = combined([section(500.0, 4.0), section(502.0, 4.0)], SIZE, "plumb_bob", 40)
    assert two.camera[0] == pytest.approx(501.0, abs=0.01)
    assert two.deviation[0] == pytest.approx(one.deviation[0] / np.sqrt(2.0), rel=0.02)


@pytest.mark.parametrize(("other", "expected"), [(510.0, True), (600.0, False)])
def test_the_focal_length_is_determined_where_sections_agree(other: float, expected: bool) -> None:
    found = combined([section(500.0, 4.0), section(other, 4.0)], SIZE, "plumb_bob", 40)
    assert found.is_determined is expected


@pytest.mark.parametrize(("focal_lengths", "used"), [([500, 505, 510], 2), ([500, 600, 510], 3)])
def test_more_sections_are_taken_while_they_do_not_agree(
    monkeypatch: pytest.MonkeyPatch, focal_lengths: list[float], used: int
) -> None:
    views = [[SimpleNamespace(path=Path(str(k)))] for k in range(len(focal_lengths))]
    given = iter(focal_lengths)
    monkeypatch.setattr(estimate, "load_pycolmap", lambda: None)
    monkeypatch.setattr(estimate, "choose_views", lambda *_: views)
    monkeypatch.setattr(estimate, "Section", lambda *_: None)
    monkeypatch.setattr(estimate, "_camera_of", lambda *_: (section(next(given), 4.0), 20))
    found = estimate.estimate_camera([], SIZE)
    assert len(found.sections) == used
    assert found.views == 20 * used


def test_the_surer_section_counts_more() -> None:
    found = combined([section(500.0, 1.0), section(520.0, 10.0)], SIZE, "plumb_bob", 40)
    assert found.camera[0] == pytest.approx(500.0 + 20.0 / 101.0, abs=0.05)


def test_a_contradiction_makes_it_less_sure() -> None:
    found = combined([section(500.0, 1.0), section(520.0, 1.0)], SIZE, "plumb_bob", 40)
    assert found.camera[0] == pytest.approx(510.0, abs=0.1)
    assert found.deviation[0] > 5.0


def test_what_nobody_saw_keeps_the_usual_value_and_deviation() -> None:
    found = combined([section(500.0, 1.0), section(501.0, 1.0)], SIZE, "plumb_bob", 40)
    prior = usual_camera("plumb_bob", SIZE, 500.0)
    assert found.camera[2:4] == pytest.approx(CENTRE)
    assert found.deviation[2:] == pytest.approx(prior.deviation[1:], rel=1e-6)
    assert found.calibration.width == 640


@pytest.mark.parametrize(("focal", "k1", "expected"), [(500.0, -0.3, False), (1740.0, 0.0, True)])
def test_few_cameras_have_such_a_lens(focal: float, k1: float, expected: bool) -> None:
    camera = plain_camera(SIZE)
    camera[[0, 1, 4]] = focal, focal, k1
    assert is_unusual(camera, SIZE) == expected
    camera[4] = 1.06
    assert is_unusual(camera, SIZE)


class TwoReconstructions:
    """A section that leads astray alone, and not from a known camera."""

    def reconstruct(self) -> str:
        return "alone"

    def reconstruct_with(self, camera: np.ndarray) -> str:
        assert not is_unusual(camera, SIZE)
        return "plain"


@pytest.mark.parametrize(
    ("alone", "noise", "found"), [(1740.0, 0.39, 530.0), (1740.0, 0.3, 1740.0), (600.0, 0.8, 600.0)]
)
def test_an_unusual_camera_must_explain_clearly_more_than_a_plain_one(
    monkeypatch: pytest.MonkeyPatch, alone: float, noise: float, found: float
) -> None:
    settled = {
        "alone": replace(section(alone, 4.0), noise=noise),
        "plain": replace(section(530.0, 4.0), noise=0.4),
    }
    monkeypatch.setattr(estimate, "_settled", lambda _, first, *rest: (settled[first], 36))
    best, _ = estimate._camera_of(TwoReconstructions(), SIZE, "plumb_bob")  # type: ignore[arg-type]
    assert best.camera[0] == found
