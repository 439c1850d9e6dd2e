"""Dense inverse depth from sparse points: planes, edges of depth, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import (
    NEAR,
    UNKNOWN,
    edge_weights,
    fill,
    scatter_points,
    scatter_torch,
)
from denseba_ros.backend.depth_map.depth_map_loops import scatter

_SHAPE = (48, 64)


def _plane() -> Tensor:
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    return 0.4 + 0.002 * x - 0.001 * y


def _some_cells(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randperm(48 * 64, generator=generator)[:count]
    return torch.stack([index % 64, index // 64], -1)


def _scatter(
    inverse_depth_map: Tensor, cells: Tensor, sigma: float = 0.01
) -> tuple[Tensor, Tensor]:
    value = inverse_depth_map[cells[:, 1], cells[:, 0]]
    ok = torch.ones(len(cells), dtype=torch.bool)
    return scatter_points(cells, value, torch.full_like(value, sigma), ok, _SHAPE)


def test_scatter_puts_values_in_their_cells() -> None:
    cells = torch.tensor([[3, 2], [10, 40]])
    value, weight = _scatter(_plane(), cells, sigma=0.01)
    assert value.shape == _SHAPE
    np.testing.assert_allclose(value[2, 3], _plane()[2, 3])
    np.testing.assert_allclose(value[40, 10], _plane()[40, 10])
    np.testing.assert_allclose(weight[2, 3], 0.5, rtol=1e-6)
    assert int((weight > 0).sum()) == 2


def test_scatter_averages_one_surface_by_certainty() -> None:
    cells = torch.tensor([[5, 5], [5, 5]])
    depth, sigma = torch.tensor([1.0, 1.1]), torch.tensor([1e-6, 0.01])
    value, _ = scatter_points(cells, depth, sigma, torch.tensor([True, True]), _SHAPE)
    np.testing.assert_allclose(value[5, 5], (1.0 + 0.5 * 1.1) / 1.5, rtol=1e-4)


def test_the_compiled_scatter_is_the_other() -> None:
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(0, 50, (400,), generator=generator)
    value = 0.1 + torch.rand(400, generator=generator)
    weight = torch.rand(400, generator=generator) * (torch.arange(400) % 3 > 0)
    mean, total = torch.zeros(2, 60)
    scatter(index.numpy(), value.numpy(), weight.numpy(), NEAR, mean.numpy(), total.numpy())
    expected = scatter_torch(index, value, weight, 60)
    torch.testing.assert_close(mean, expected[0])
    torch.testing.assert_close(total, expected[1])


def test_scatter_keeps_the_nearer_of_two_surfaces() -> None:
    cells = torch.tensor([[5, 5], [5, 5], [6, 6]])
    value, _ = scatter_points(
        cells,
        torch.tensor([0.3, 1.0, 7.0]),
        torch.full((3,), 0.01),
        torch.tensor([True, True, False]),
        _SHAPE,
    )
    assert float(value[5, 5]) == pytest.approx(1.0)
    assert float(value[6, 6]) == 0.0


def test_a_plane_comes_back_from_sparse_points() -> None:
    cells = _some_cells(300)
    value, weight = _scatter(_plane(), cells)
    inverse_depth_map = fill(value, weight, edge_weights(torch.full(_SHAPE, 100.0)))
    error = (inverse_depth_map[0] / _plane() - 1).abs()
    assert float(error.median()) < 0.002
    # The rim is extrapolated.
    assert float(error[4:-4, 4:-4].max()) < 0.03


def test_points_hold_what_is_known_well() -> None:
    cells = _some_cells(300)
    value, weight = _scatter(_plane(), cells)
    inverse_depth_map = fill(value, weight, edge_weights(torch.full(_SHAPE, 100.0)))
    at = inverse_depth_map[0, cells[:, 1], cells[:, 0]] / _plane()[cells[:, 1], cells[:, 0]]
    assert float((at - 1).abs().max()) < 0.01


@pytest.mark.parametrize(("contrast", "sharp"), [(80.0, True), (0.0, False)])
def test_an_edge_of_brightness_keeps_a_step_of_depth_sharp(contrast: float, sharp: bool) -> None:
    step = torch.full(_SHAPE, 0.3)
    step[:, 32:] = 0.9
    brightness = torch.full(_SHAPE, 60.0)
    brightness[:, 32:] += contrast
    value, weight = _scatter(step, _some_cells(600))
    d = fill(value, weight, edge_weights(brightness))[0]
    beside = max((d[:, 31] / 0.3 - 1).abs().median(), (d[:, 32] / 0.9 - 1).abs().median())
    assert (float(beside) < 0.05) is sharp


def test_far_from_all_points_nothing_is_known() -> None:
    cells = torch.tensor([[2, 2], [3, 4], [5, 3], [6, 6]])
    value, weight = _scatter(_plane(), cells)
    inverse_depth_map = fill(value, weight, edge_weights(torch.full(_SHAPE, 100.0)))
    assert float(inverse_depth_map[1, 40, 60]) > 0.3
    assert float(inverse_depth_map[1, 3, 4]) < 0.1
    assert float(inverse_depth_map[1].max()) <= UNKNOWN
    assert torch.isfinite(inverse_depth_map).all()


def test_no_points_at_all_is_unknown_and_finite() -> None:
    nothing = torch.zeros(_SHAPE)
    inverse_depth_map = fill(nothing, nothing, edge_weights(torch.full(_SHAPE, 100.0)))
    assert torch.isfinite(inverse_depth_map).all()
    np.testing.assert_allclose(inverse_depth_map[1], UNKNOWN)


def test_surfaces_filled_together_are_those_filled_alone() -> None:
    scattered = [_scatter(_plane(), _some_cells(count, count)) for count in (5, 40, 300)]
    edges = [edge_weights(30.0 * torch.rand(_SHAPE)) for _ in scattered]
    value, weight = (torch.stack(part) for part in zip(*scattered, strict=True))
    together = fill(value, weight, torch.stack(edges))
    assert together.shape == (3, 2, *_SHAPE)
    for k, (one, edge) in enumerate(zip(scattered, edges, strict=True)):
        np.testing.assert_allclose(together[k], fill(*one, edge), rtol=1e-5, atol=1e-6)


def test_points_that_disagree_are_more_uncertain() -> None:
    cells = _some_cells(1200)
    noise = torch.randn(_SHAPE, generator=torch.Generator().manual_seed(2))
    flat = edge_weights(torch.full(_SHAPE, 100.0))
    quiet = fill(*_scatter(_plane(), cells), flat)[1].median()
    noisy = fill(*_scatter(_plane() * torch.exp(0.3 * noise), cells), flat)[1].median()
    assert float(noisy) > 1.2 * float(quiet)


def test_edge_weights_fall_with_contrast_and_end_at_the_border() -> None:
    brightness = torch.zeros(4, 6)
    brightness[:, 3:] = 16.0
    right, down = edge_weights(brightness)
    np.testing.assert_allclose(right[0, 1], 1.0)
    np.testing.assert_allclose(right[0, 2], np.exp(-2.0), rtol=1e-5)
    assert not right[:, -1].any()
    assert not down[-1].any()
    np.testing.assert_allclose(down[:-1], 1.0)
