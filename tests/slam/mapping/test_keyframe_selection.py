"""Which image becomes a keyframe, and which keyframe leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from denseba_ros.config import KeyframeConfig
from denseba_ros.geometry import se3
from denseba_ros.slam.mapping.keyframe_selection import needs_keyframe, select_for_marginalisation
from denseba_ros.slam.tracking.tracker import Alignment
from tests.scaled_keyframe import CAMERA, keyframe

_AWAY = torch.tensor([0.0, 0.0, 0.0, 0.0, 3.0, 0.0], dtype=torch.float64)


def _at(*places: float) -> list[Any]:
    """Keyframes that look the same way over far points, at these metres to the right."""
    keyframes = [keyframe(k, 100.0) for k in range(len(places))]
    for one, x in zip(keyframes, places, strict=True):
        one.T = se3.exp(torch.tensor([-x, 0, 0, 0, 0, 0], dtype=torch.float64))
    return keyframes


@pytest.mark.parametrize(
    ("places", "leaves"),
    [
        # One of two neighbours says little that the other does not say.
        ((0.0, 2.0, 2.1, 4.0, 6.0, 6.5), 1),
        ((0.0, 0.1, 2.0, 4.0, 6.0, 6.5), 0),
        # On an even path the one with neighbours on both sides, and of these the farther one.
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0), 1),
        # The two newest stay, however close they are.
        ((0.0, 1.0, 3.0, 7.0, 7.01), 1),
    ],
)
def test_the_crowded_and_far_one_leaves(places: tuple[float, ...], leaves: int) -> None:
    assert select_for_marginalisation(CAMERA, _at(*places)) == leaves


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_keyframe_out_of_view_leaves_first(index: int) -> None:
    keyframes = _at(0.0, 0.1, 2.0, 4.0, 5.0)
    keyframes[index].T = se3.exp(_AWAY) @ keyframes[index].T
    assert select_for_marginalisation(CAMERA, keyframes) == index


def test_the_last_but_one_stays_even_out_of_view() -> None:
    keyframes = _at(0.0, 0.1, 2.0, 4.0, 5.0)
    keyframes[3].T = se3.exp(_AWAY) @ keyframes[3].T
    assert select_for_marginalisation(CAMERA, keyframes) == 0


def test_a_keyframe_is_needed_beyond_the_flow_and_below_the_visible_share() -> None:
    settings = KeyframeConfig()
    far, few = settings.max_flow * CAMERA.width, settings.min_visible
    eye = torch.eye(4).double()
    same = Alignment(eye, torch.zeros(2), torch.eye(8), 1.0, 1.0, 1.0, 100, 0.0)
    assert not needs_keyframe(settings, CAMERA, same)
    assert not needs_keyframe(settings, CAMERA, replace(same, flow=0.99 * far))
    assert needs_keyframe(settings, CAMERA, replace(same, flow=1.01 * far))
    assert not needs_keyframe(settings, CAMERA, replace(same, visible=few + 0.01))
    assert needs_keyframe(settings, CAMERA, replace(same, visible=few - 0.01))
