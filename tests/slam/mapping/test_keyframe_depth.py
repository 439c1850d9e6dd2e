"""What holds the depths of a keyframe's points."""

from __future__ import annotations

import pytest
import torch

from denseba_ros.slam.mapping.keyframe_depth import set_depth_prior
from tests.scaled_keyframe import CELLS, keyframe


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
