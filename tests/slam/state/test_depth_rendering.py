"""Depth maps for the outside: a keyframe's own, and rendered into a later view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from denseba_ros.backend.window import Points, WindowKeyframe
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import build_pyramid
from denseba_ros.slam.state.depth_rendering import (
    keyframe_view,
    render_depth,
    render_numba,
    render_torch,
)
from denseba_ros.slam.state.depth_rendering_loops import project_depth_map

_CAMERA = Pinhole(160.0, 160.0, 79.5, 59.5, 160, 120)
_LEVEL = 2
_SHAPE = (30, 40)
_STAY = torch.eye(4, dtype=torch.float64)


@pytest.fixture
def keyframe() -> WindowKeyframe:
    """A wall at 4 m with a box at 1 m in the middle; the right fifth is unknown."""
    inverse_depth = torch.full(_SHAPE, 0.25)
    inverse_depth[10:20, 14:24] = 1.0
    sigma = torch.full(_SHAPE, 0.02)
    sigma[:, 32:] = 1.0
    nothing = torch.zeros(0)
    points = Points(torch.zeros(0, 2), nothing, nothing, nothing.bool(), nothing, nothing, 0)
    image = torch.full((1, 1, 120, 160), 100.0)
    pyramid = build_pyramid(image, 3)
    inverse_depth_map = torch.stack([inverse_depth, sigma])
    T = _STAY.clone()
    T[0, 3] = 2.0
    return WindowKeyframe(
        7,
        99,
        Grey.from_pyramid(pyramid),
        pyramid,
        T,
        torch.zeros(2).double(),
        points,
        inverse_depth_map,
        inverse_depth_map,
        inverse_depth_map,
    )


def _moved(x: float = 0.0, z: float = 0.0) -> torch.Tensor:
    """T_current_keyframe of a camera that went x to the right and z forward."""
    T = _STAY.clone()
    T[0, 3], T[2, 3] = -x, -z
    return T


def test_a_keyframe_is_copied_out(keyframe: WindowKeyframe) -> None:
    view = keyframe_view(keyframe, _CAMERA, _LEVEL, keyframe.inverse_depth_map)
    assert (view.id, view.stamp_ns) == (7, 99)
    np.testing.assert_array_equal(view.T_world_camera[:3, 3], [-2.0, 0.0, 0.0])
    assert view.image.shape == view.depth.depth.shape == view.depth.sigma.shape == _SHAPE
    assert view.image.dtype == np.uint8
    np.testing.assert_allclose(view.depth.depth[:, :14], 4.0, rtol=1e-6)
    np.testing.assert_allclose(view.depth.depth[12, 18], 1.0, rtol=1e-6)
    np.testing.assert_allclose(view.depth.sigma[0, 0], 0.08, rtol=1e-5)
    c = view.depth.calibration
    assert (c.width, c.height, c.fx) == (40, 30, 40.0)
    assert c.cx == pytest.approx((79.5 + 0.5) / 4 - 0.5)


def test_the_initial_depth_is_complete(keyframe: WindowKeyframe) -> None:
    assert keyframe_view(keyframe, _CAMERA, _LEVEL, keyframe.inverse_depth_map).first_depth is None
    keyframe.first_inverse_depth_map = 2.0 * keyframe.inverse_depth_map
    first = keyframe_view(keyframe, _CAMERA, _LEVEL, keyframe.inverse_depth_map).first_depth
    assert first is not None
    np.testing.assert_allclose(first[:, 32:], 2.0, rtol=1e-6)


def test_unknown_depth_is_nan(keyframe: WindowKeyframe) -> None:
    for depth_map in (
        keyframe_view(keyframe, _CAMERA, _LEVEL, keyframe.inverse_depth_map).depth,
        render_depth(keyframe.inverse_depth_map, _STAY, _CAMERA, _LEVEL),
    ):
        assert np.isnan(depth_map.depth[:, 34:]).all()
        np.testing.assert_array_equal(np.isnan(depth_map.depth), np.isnan(depth_map.sigma))
        assert np.isfinite(depth_map.depth[:, :32]).all()


def test_at_its_own_pose_the_depth_map_is_reproduced(keyframe: WindowKeyframe) -> None:
    own = keyframe_view(keyframe, _CAMERA, _LEVEL, keyframe.inverse_depth_map).depth
    rendered = render_depth(keyframe.inverse_depth_map, _STAY, _CAMERA, _LEVEL)
    np.testing.assert_allclose(rendered.depth[:, :32], own.depth[:, :32], rtol=1e-4)
    np.testing.assert_allclose(rendered.sigma[:, :32], own.sigma[:, :32], rtol=0.02)
    assert rendered.calibration == own.calibration


def test_going_forward_brings_the_wall_nearer(keyframe: WindowKeyframe) -> None:
    rendered = render_depth(keyframe.inverse_depth_map, _moved(z=0.5), _CAMERA, _LEVEL)
    assert np.nanmedian(rendered.depth[:, :8]) == pytest.approx(3.5, rel=1e-3)
    assert rendered.depth[15, 19] == pytest.approx(0.5, rel=1e-3)


def test_the_box_hides_the_wall_behind_it(keyframe: WindowKeyframe) -> None:
    """0.25 m to the right the box moves by 10 cells and the wall by 2.5."""
    rendered = render_depth(keyframe.inverse_depth_map, _moved(x=0.25), _CAMERA, _LEVEL)
    np.testing.assert_allclose(rendered.depth[12:18, 5:13], 1.0, rtol=1e-3)
    # Where the box stood nothing was ever seen, but for the gap's rim.
    assert np.isnan(rendered.depth[12:18, 16:20]).all()
    np.testing.assert_allclose(rendered.depth[2:8, 2:28], 4.0, rtol=1e-3)


def test_gaps_of_one_cell_are_closed(keyframe: WindowKeyframe) -> None:
    """A wall seen from nearer spreads over more cells than it had."""
    keyframe.inverse_depth_map = torch.stack([torch.full(_SHAPE, 0.25), torch.full(_SHAPE, 0.02)])
    rendered = render_depth(keyframe.inverse_depth_map, _moved(z=1.0), _CAMERA, _LEVEL)
    assert np.isfinite(rendered.depth).mean() > 0.98
    np.testing.assert_allclose(rendered.depth[np.isfinite(rendered.depth)], 3.0, rtol=1e-3)


def test_a_view_away_from_the_map_is_empty(keyframe: WindowKeyframe) -> None:
    behind = replace(keyframe)
    rendered = render_depth(behind.inverse_depth_map, _moved(z=10.0), _CAMERA, _LEVEL)
    assert np.isnan(rendered.depth).all()
    assert rendered.depth.dtype == np.float32


@pytest.mark.parametrize(
    "twist",
    [(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.2, 0.05, 0.3, 0.1, -0.05, 0.2), (0.0, 0.0, 9.0, 0, 0, 0)],
)
def test_numba_and_torch_render_the_same(twist: tuple[float, ...]) -> None:
    """Random depths, a third of them unknown, from the same place, another one, and too near."""
    generator = torch.Generator().manual_seed(0)
    depth, sigma = torch.rand(2, *_SHAPE, generator=generator)
    inverse_depth_map = torch.stack([0.2 + depth, 0.45 * sigma])
    T = se3.exp(torch.tensor(twist, dtype=torch.float64))
    grid = _CAMERA.level(_LEVEL)
    torch.testing.assert_close(
        render_numba(inverse_depth_map, T, grid), render_torch(inverse_depth_map, T, grid)
    )


def _placed(buffer: np.ndarray, start: int, values: np.ndarray) -> np.ndarray:
    """A copy of ``values`` at byte ``start`` of ``buffer``."""
    part = buffer[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    part[...] = values
    return part


def test_the_result_does_not_depend_on_where_memory_was_free() -> None:
    """With the map right behind the result, and far from it."""
    random = np.random.default_rng(0)
    h, w = 30, 40
    inverse_depth_map = random.uniform(0.1, 1.0, (2, h, w)).astype(np.float32)
    T = (np.eye(4) + 0.03 * random.standard_normal((4, 4))).astype(np.float32)
    camera = np.array([40, 40, 20, 15], np.float32)
    results = []
    for distance in (0, 20):
        memory = np.zeros(50 * 4 * h * w, np.uint8)
        index = _placed(memory, 45 * 4 * h * w, np.zeros(h * w, np.int64))
        inverse_depth = _placed(memory, 0, np.zeros(h * w, np.float32))
        behind = _placed(memory, (1 + distance) * 4 * h * w, inverse_depth_map)
        project_depth_map(behind, T, camera, 0.5, 0.1, index, inverse_depth)
        results.append((index, inverse_depth))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
