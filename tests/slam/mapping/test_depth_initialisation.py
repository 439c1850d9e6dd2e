"""First depth of a keyframe: the network's, what others carry over, and the search."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import edge_weights
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.two_view.epipolar_search import Match
from denseba_ros.slam.mapping import depth_initialisation
from denseba_ros.slam.mapping.depth_initialisation import initialise_depth, search_depth
from tests.scaled_keyframe import CAMERA, PIXELS, keyframe

_CARRIED, _NETWORK = 0.5, 0.8


def _plane(number: int, inverse_depth: float, sigma: float) -> WindowKeyframe:
    """Points of one inverse depth in front of a camera at the origin."""
    one = keyframe(number, 1.0)
    one.T = torch.eye(4, dtype=torch.float64)
    one.points.inverse_depth = torch.full_like(one.points.inverse_depth, inverse_depth)
    one.points.relative_sigma = torch.full_like(one.points.inverse_depth, sigma)
    one.edges = edge_weights(torch.zeros(12, 16))
    return one


def _asked(sigma: float) -> WindowKeyframe:
    """A new keyframe, of which the network knows the inverse depth to ``sigma``."""
    one = _plane(2, 1.0, 1.0)
    one.network_depth[0], one.network_depth[1] = _NETWORK, sigma
    return one


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth_initialisation, "search_depth", lambda *_: None)


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize(("sigma", "expected"), [(0.02, _NETWORK), (0.12, _CARRIED)])
def test_of_the_network_and_other_keyframes_the_surer_one_counts(
    sigma: float, expected: float
) -> None:
    """Depth known to 2 % there is carried over to 6 %."""
    one = _asked(sigma)
    initialise_depth(CAMERA, one, [_plane(1, _CARRIED, 0.02)])
    torch.testing.assert_close(
        one.points.inverse_depth, torch.full((len(PIXELS),), expected), rtol=1e-3, atol=0.0
    )
    assert float(one.points.relative_sigma.max()) == pytest.approx(min(sigma, 0.06), rel=0.05)


@pytest.mark.usefixtures("no_search")
@pytest.mark.parametrize(("sigma", "scaled"), [(0.12, False), (0.4, True)])
def test_a_model_without_a_scale_of_its_own_takes_that_of_the_map(
    sigma: float, scaled: bool
) -> None:
    """Where no other keyframe sees anything, too: here on the right side of the image."""
    one, other = _asked(sigma), _plane(1, _CARRIED, 0.02)
    one.network_depth[0, :, 12:] *= 1.5
    other.points.valid = PIXELS[:, 0] < 24.0
    initialise_depth(CAMERA, one, [other])
    factor = _CARRIED / _NETWORK if scaled else 1.0
    expected = torch.full((12, 16), factor * _NETWORK)
    expected[:, 12:] *= 1.5
    torch.testing.assert_close(one.network_depth[0], expected, rtol=1e-3, atol=0.0)


@pytest.mark.usefixtures("no_search")
def test_the_first_keyframe_has_the_networks_depth() -> None:
    one = _asked(0.4)
    initialise_depth(CAMERA, one, [])
    assert torch.equal(one.points.inverse_depth, torch.full((len(PIXELS),), _NETWORK))


def test_a_search_counts_only_where_it_found_something_surer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = _plane(2, _CARRIED, 0.2), _plane(1, _CARRIED, 0.02)
    for k in (one, other):
        k.pyramid = [torch.zeros(1, 3, 48 >> level, 64 >> level) for level in range(2)]
    count = len(PIXELS)
    known = torch.arange(count) < 40
    one.points.relative_sigma[known] = 0.05
    asked = {}

    def search(camera: Any, host: Any, pixels: Tensor, *others: Tensor) -> Match:
        """Finds twice the inverse depth: first surer than before, then less sure, then not."""
        asked["pixels"], asked["low"], asked["high"] = pixels, *others[-2:]
        third = torch.arange(len(pixels)) % 3
        found = torch.full((len(pixels),), 2.0 * _CARRIED)
        return Match(found, torch.where(third == 1, 0.25, 0.1), third != 2)

    monkeypatch.setattr(depth_initialisation, "search", search)
    search_depth(CAMERA, one, [other])
    torch.testing.assert_close(asked["pixels"], (PIXELS[~known] + 0.5) / 2 - 0.5)
    # Three deviations nearer, four farther.
    torch.testing.assert_close(asked["low"], torch.full((count - 40,), 0.4 * _CARRIED))
    torch.testing.assert_close(asked["high"], torch.full((count - 40,), 1.8 * _CARRIED))
    better = (~known).nonzero()[::3, 0]
    expected = torch.full((count,), _CARRIED)
    expected[better] *= 2.0
    torch.testing.assert_close(one.points.inverse_depth, expected)
    sigma = torch.where(known, 0.05, 0.2)
    sigma[better] = 0.1
    torch.testing.assert_close(one.points.relative_sigma, sigma)
