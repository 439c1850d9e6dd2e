"""What holds the depths of a keyframe's points, and the dense map between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denseba_ros.backend.depth_map.depth_map import edge_weights
from denseba_ros.slam.mapping.keyframe_depth import (
    _evidence,
    dense_map,
    depth_parts,
    depth_prior_torch,
    evidence_torch,
    has_known_shape,
    set_depth_prior,
    update_depth_maps,
)
from tests.scaled_keyframe import CELLS, PIXELS, keyframe


@pytest.mark.parametrize(("sigma", "says"), [(0.05, True), (0.149, True), (0.151, False)])
def test_a_model_holds_the_points_only_where_it_is_sharp(sigma: float, says: bool) -> None:
    """A vague model's errors are shared by many pixels: as a prior of each it would claim too
    much."""
    one = keyframe(1, 1.0)
    one.network_depth[0] = torch.arange(1.0, 193.0).reshape(12, 16)
    one.network_depth[1] = sigma
    set_depth_prior(one)
    network = one.network_depth[0][CELLS[:, 1], CELLS[:, 0]]
    depth = network if says else one.points.inverse_depth
    torch.testing.assert_close(one.points.prior_depth, depth)
    torch.testing.assert_close(one.points.prior_information, (sigma * depth) ** -2)


def test_each_point_asks_the_model_at_its_own_place() -> None:
    one = keyframe(1, 1.0)
    sharp = torch.arange(16).expand(12, 16) < 8
    one.network_depth[0] = 3.0
    one.network_depth[1] = torch.where(sharp, 0.1, 0.3)
    set_depth_prior(one)
    here = CELLS[:, 0] < 8
    assert (one.points.prior_depth[here] == 3.0).all()
    assert torch.equal(one.points.prior_depth[~here], one.points.inverse_depth[~here])


def test_a_model_that_knows_nothing_still_keeps_points_from_running_away() -> None:
    """Half of the present depth is one deviation."""
    one = keyframe(1, 1.0)
    one.network_depth[1] = 7.0
    set_depth_prior(one)
    depth = one.points.inverse_depth
    assert torch.equal(one.points.prior_depth, depth)
    torch.testing.assert_close(one.points.prior_information, (0.5 * depth) ** -2)


@pytest.mark.parametrize(("sigma", "fills"), [(0.1, True), (0.6, False)])
def test_the_network_fills_the_map_between_points_unless_it_is_vague(
    sigma: float, fills: bool
) -> None:
    """Points on the left know an inverse depth of one half; the network says another one."""
    one = keyframe(1, 1.0)
    one.edges = edge_weights(torch.zeros(12, 16))
    one.points.valid = PIXELS[:, 0] < 24.0
    one.points.inverse_depth[:], one.points.relative_sigma[:] = 0.5, 0.02
    one.network_depth[0], one.network_depth[1] = 0.9, sigma
    update_depth_maps([one])
    far = one.inverse_depth_map[0][:, 12:]
    near = one.inverse_depth_map[0][:, :4]
    assert float(near.median()) == pytest.approx(0.5, rel=0.05)
    if fills:
        assert (far > 0.6).all()
    else:
        torch.testing.assert_close(far, torch.full((12, 4), 0.5), rtol=1e-3, atol=0.0)


def test_a_network_that_knows_the_shape_takes_its_scale_from_the_points() -> None:
    """Points on the left know an inverse depth of one half, the network a step on the right."""
    one = keyframe(1, 1.0)
    one.edges = edge_weights(torch.zeros(12, 16))
    one.points.valid = PIXELS[:, 0] < 24.0
    one.points.inverse_depth[:], one.points.relative_sigma[:] = 0.5, 0.02
    one.network_depth[0], one.network_depth[1] = 1.0, 0.2
    one.network_depth[0, :, 12:] = 2.0
    assert dense_map(one) is one.inverse_depth_map
    one.is_shape_known = True
    torch.testing.assert_close(dense_map(one)[0], 0.5 * one.network_depth[0], rtol=1e-3, atol=0.0)
    one.points.valid[:] = False
    assert dense_map(one) is one.inverse_depth_map, "no point knows the scale"


@pytest.mark.parametrize(
    ("sigma", "known"), [(0.1, False), (0.149, False), (0.15, True), (0.45, True), (0.5, False)]
)
def test_neither_a_sensor_nor_a_vague_model_gives_a_shape(sigma: float, known: bool) -> None:
    """The median counts: a sensor has holes."""
    deviations = torch.full((12, 16), sigma)
    deviations[:3] = 7.0
    assert has_known_shape(deviations) is known


def test_the_parts_of_the_map_are_copied_out() -> None:
    one = keyframe(1, 1.0)
    one.network_depth[0] = 0.7
    parts = depth_parts(one, one.inverse_depth_map)
    np.testing.assert_array_equal(parts.inverse_depth, one.inverse_depth_map[0].numpy())
    np.testing.assert_array_equal(parts.relative_sigma, one.inverse_depth_map[1].numpy())
    np.testing.assert_array_equal(parts.network, np.float32(0.7))
    certain = CELLS[one.points.relative_sigma < 0.3]
    has_point = np.zeros((12, 16), bool)
    has_point[certain[:, 1], certain[:, 0]] = True
    np.testing.assert_array_equal(parts.point_weight > 0, has_point)
    np.testing.assert_array_equal(parts.points > 0, has_point)


def test_points_that_know_little_follow_the_map_of_those_that_know() -> None:
    one = keyframe(1, 1.0)
    one.edges = edge_weights(torch.zeros(12, 16))
    one.network_depth[1] = 1.0
    vague = torch.arange(len(PIXELS)) % 4 == 0
    one.points.inverse_depth = torch.where(vague, 3.0, 0.5)
    one.points.relative_sigma = torch.where(vague, 0.31, 0.29)
    update_depth_maps([one])
    torch.testing.assert_close(
        one.points.inverse_depth, torch.full((len(PIXELS),), 0.5), rtol=1e-3, atol=0.0
    )
    torch.testing.assert_close(one.points.prior_depth, one.points.inverse_depth)


def test_compiled_loops_and_tensor_operations_agree() -> None:
    one = keyframe(1, 1.0)
    generator = torch.Generator().manual_seed(0)
    n = len(one.points.pixels)
    one.points.valid = torch.rand(n, generator=generator) < 0.8
    one.points.inverse_depth = torch.rand(n, generator=generator) + 0.5
    one.points.relative_sigma = 0.6 * torch.rand(n, generator=generator)
    one.network_depth = torch.rand(one.network_depth.shape, generator=generator) + 0.01
    value, weight, count = _evidence(one)
    expected_value, expected_weight, expected_count = evidence_torch(one)
    assert 0 < count == expected_count < n
    torch.testing.assert_close(value, expected_value)
    torch.testing.assert_close(weight, expected_weight)
    set_depth_prior(one)
    mean, information = depth_prior_torch(one)
    torch.testing.assert_close(one.points.prior_depth, mean)
    torch.testing.assert_close(one.points.prior_information, information)
