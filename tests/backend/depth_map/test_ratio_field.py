"""Dense depth as a network's shape times a smooth field of ratios to the points."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import UNKNOWN, edge_weights, fill
from denseba_ros.backend.depth_map.ratio_field import fill_ratios, fill_ratios_torch

_SHAPE = (48, 64)
_FLAT = edge_weights(torch.full(_SHAPE, 100.0))


def _scene() -> Tensor:
    """A rough surface, whose shape no few points tell."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    return 0.5 + 0.2 * torch.sin(x / 2.0) * torch.cos(y / 3.0)


def _some(scene: Tensor, share: float, noise: float = 0.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Value and weight of a share of the cells."""
    generator = torch.Generator().manual_seed(seed)
    weight = 0.5 * (torch.rand(_SHAPE, generator=generator) < share)
    factor = torch.exp(noise * torch.randn(_SHAPE, generator=generator))
    return scene * factor * (weight > 0), weight


def _network(depth: Tensor, sigma: float = 0.2) -> Tensor:
    return torch.stack([depth, torch.full(_SHAPE, sigma)])


def _error(filled: Tensor, scene: Tensor) -> Tensor:
    return (filled[0] / scene).log().abs()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 70),
    share=st.floats(0.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_maps_are_those_of_torch(height: int, width: int, share: float, seed: int) -> None:
    """At any size, even odd ones, with any share of the cells known."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    value = 0.1 + random(3, height, width)
    weight = random(3, height, width) ** 4 * (random(3, height, width) < share)
    edges = torch.stack([edge_weights(100.0 * random(height, width)) for _ in range(3)])
    network = 0.1 + random(3, 2, height, width)
    parts = (value, weight, edges, network)
    expected = fill_ratios_torch(*(part.double() for part in parts))
    actual = fill_ratios(*parts)
    assert actual.dtype == torch.float32
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-6)


def test_between_points_the_shape_is_the_networks() -> None:
    """It is wrong by a factor that changes over the image; points alone know only the mean."""
    scene = _scene()
    ramp = torch.exp(torch.linspace(-0.3, 0.3, 64).expand(_SHAPE))
    points = _some(scene, 0.05)
    fused = fill_ratios(*points, _FLAT, _network(scene * ramp))
    assert float(_error(fused, scene).mean()) < 0.03
    assert float(_error(fill(*points, _FLAT), scene).mean()) > 0.1
    assert float(_error(_network(scene * ramp), scene).mean()) > 0.1


def test_points_do_not_stand_out_of_a_surface_that_the_network_has_wrong() -> None:
    """Cells with a point and those beside it are at the same depth."""
    wall = torch.full(_SHAPE, 0.5)
    value, weight = _some(wall, 0.05)
    fused = fill_ratios(value, weight, _FLAT, _network(torch.full(_SHAPE, 0.8)))
    assert float(_error(fused, wall).max()) < 1e-3


def test_a_network_that_is_right_everywhere_averages_the_noise_of_the_points() -> None:
    scene = _scene()
    points = _some(scene, 0.1, noise=0.05)
    fused = fill_ratios(*points, _FLAT, _network(scene))
    at = points[1] > 0
    noise = _error(torch.stack([points[0], points[1]]), scene)[at].mean()
    assert float(_error(fused, scene).mean()) < 0.5 * float(noise)


def test_the_networks_scale_means_nothing() -> None:
    points = _some(_scene(), 0.1)
    one, other = (fill_ratios(*points, _FLAT, _network(f * _scene())) for f in (1.0, 37.0))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_deviation_grows_with_the_distance_from_points_and_ends_at_the_networks() -> None:
    scene = _scene()
    value, weight = _some(scene, 0.2, noise=0.1)
    weight[:, 20:] = 0.0
    sigma = fill_ratios(value * (weight > 0), weight, _FLAT, _network(scene))[1].mean(0)
    assert float(sigma[10]) < float(sigma[26]) < float(sigma[60]) < 0.3
    assert float(sigma[60]) > 1.3 * float(sigma[10])


def test_the_deviation_is_larger_where_the_ratios_spread() -> None:
    """On the right half the network's shape is wrong: its own deviation does not say so."""
    generator = torch.Generator().manual_seed(3)
    scene = torch.full((48, 256), 0.5)
    network = torch.stack([scene, torch.full_like(scene, 0.2)])
    network[0, :, 128:] *= torch.exp(0.4 * torch.randn(48, 128, generator=generator))
    weight = 0.5 * (torch.rand(48, 256, generator=generator) < 0.2)
    sigma = fill_ratios(scene * (weight > 0), weight, edge_weights(0 * scene), network)[1]
    assert float(sigma[:, 180:].median()) > 2.0 * float(sigma[:, :80].median())


def test_the_deviation_is_larger_where_the_network_doubts_itself() -> None:
    points, network = _some(_scene(), 0.05, noise=0.1), _network(_scene())
    sure = fill_ratios(*points, _FLAT, network)[1]
    network[1, :24] = 0.4
    doubtful = fill_ratios(*points, _FLAT, network)[1]
    assert (doubtful[:24] > 1.02 * sure[:24]).all()
    assert (doubtful[24:] < 0.98 * sure[24:]).all()
    assert float((doubtful / sure)[:24].median()) > 1.1


def test_without_points_the_networks_depth_stays() -> None:
    nothing = torch.zeros(_SHAPE)
    filled = fill_ratios(nothing, nothing, _FLAT, _network(_scene()))
    torch.testing.assert_close(filled[0], _scene())
    assert torch.isfinite(filled).all()
    assert float(filled[1].max()) <= UNKNOWN


def test_maps_filled_together_are_those_filled_alone() -> None:
    points = [_some(_scene(), share) for share in (0.0, 0.02, 0.3)]
    value, weight = (torch.stack(part) for part in zip(*points, strict=True))
    edges = torch.stack([edge_weights(30.0 * torch.rand(_SHAPE)) for _ in points])
    network = torch.stack([_network(_scene() * f) for f in (1.0, 2.0, 3.0)])
    together = fill_ratios(value, weight, edges, network)
    for k in range(3):
        alone = fill_ratios(value[k], weight[k], edges[k], network[k])
        torch.testing.assert_close(alone, together[k], rtol=0.0, atol=0.0)
