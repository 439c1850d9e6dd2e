"""Depth of one image: the network's shape at the map's scale, also of what has moved since."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.state.depth_fusion import fuse_depth

_GRID = Pinhole(40.0, 40.0, 31.5, 23.5, 64, 48)
_SHAPE = (48, 64)
_WALL, _BOX = 0.25, 0.5


def _texture() -> Tensor:
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    return 100.0 + 5.0 * torch.sin(x) * torch.cos(y)


def _pose(x: float = 0.0) -> Tensor:
    T = torch.eye(4, dtype=torch.float64)
    T[0, 3] = x
    return T


def _keyframe_map() -> Tensor:
    """A wall at 4 m; the right fifth is unknown."""
    sigma = torch.full(_SHAPE, 0.03)
    sigma[:, 52:] = 1.0
    return torch.stack([torch.full(_SHAPE, _WALL), sigma])


def _network(scale: float, with_box: bool) -> Tensor:
    """The wall at another scale, with a box that the map does not know."""
    depth = torch.full(_SHAPE, _WALL / scale)
    if with_box:
        depth[16:32, 20:36] = _BOX / scale
    return torch.stack([depth, torch.full(_SHAPE, 0.25)])


def test_the_network_takes_the_maps_scale_and_fills_what_the_map_does_not_know() -> None:
    grey = _texture()
    fused = fuse_depth(_network(3.0, False), grey, _keyframe_map(), grey, _pose(), _GRID)
    torch.testing.assert_close(fused[0], torch.full(_SHAPE, _WALL), rtol=0.01, atol=0.0)
    assert torch.isfinite(fused).all()
    assert float(fused[1, :, 56:].mean()) > float(fused[1, :, 20:44].mean())


@pytest.mark.parametrize("offset", [0.0, 40.0])
def test_what_came_into_the_view_has_the_networks_depth(offset: float) -> None:
    """A bright box stands where the keyframe shows the wall; all may have become brighter."""
    before = _texture()
    grey = before + offset
    grey[16:32, 20:36] += 60.0
    fused = fuse_depth(_network(3.0, True), grey, _keyframe_map(), before, _pose(), _GRID)
    torch.testing.assert_close(
        fused[0, 18:30, 22:34], torch.full((12, 12), _BOX), rtol=0.03, atol=0.0
    )
    torch.testing.assert_close(fused[0, :10], torch.full((10, 64), _WALL), rtol=0.03, atol=0.0)


def test_what_looks_the_same_has_the_maps_depth() -> None:
    """The network sees a box that is not there."""
    grey = _texture()
    fused = fuse_depth(_network(3.0, True), grey, _keyframe_map(), grey, _pose(), _GRID)
    torch.testing.assert_close(
        fused[0, 20:28, 24:32], torch.full((8, 8), _WALL), rtol=0.2, atol=0.0
    )


def test_the_map_is_seen_from_the_image() -> None:
    """Four cells to the side at the wall's depth; the image shows the shifted texture."""
    before = _texture()
    keyframe_map = _keyframe_map()
    keyframe_map[0, :, :20] = 2 * _WALL
    grey = before.roll(-4, 1)
    moved = fuse_depth(_network(1.0, False), grey, keyframe_map, before, _pose(-0.4), _GRID)
    assert float(moved[0, 24, 30]) == pytest.approx(_WALL, rel=0.06)
    assert float(moved[0, 24, 4]) == pytest.approx(2 * _WALL, rel=0.15)


def test_without_a_map_that_is_certain_the_network_stays() -> None:
    unknown = _keyframe_map()
    unknown[1] = 1.0
    network = _network(3.0, True)
    fused = fuse_depth(network, _texture(), unknown, _texture(), _pose(), _GRID)
    torch.testing.assert_close(fused[0], network[0])
