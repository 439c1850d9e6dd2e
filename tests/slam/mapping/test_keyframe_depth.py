"""What holds the depths of a keyframe's points, and the dense map between them."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.backend.depth_map.depth_map import edge_weights
from denseba_ros.slam.mapping.keyframe_depth import set_depth_prior, update_depth_maps
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
