"""Depth on a finer grid: along the edges of the image, with nothing between two surfaces."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.depth_enlarging import enlarge
from denseba_ros.slam.state.estimate import DepthMap

_CAMERA = Calibration(16, 12, 20.0, 20.0, 7.5, 5.5)


def _step(column: int) -> DepthMap:
    """A dark wall at 4 m and a bright one at 1 m, whose border lies in the image at ``column``: in
    a cell that is dark for the most part, so its depth is the dark one's."""
    image = np.full((48, 64), 30, np.uint8)
    image[:, column:] = 200
    depth = np.full((12, 16), 4.0, np.float32)
    depth[:, -(-column // 4) :] = 1.0
    return DepthMap(depth, 0.1 * depth, _CAMERA, image)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_slope_stays_a_slope_with_the_camera_of_the_grid(factor: int) -> None:
    columns = np.arange(16, dtype=np.float32)
    depth = np.tile(1.0 / (0.2 + 0.002 * columns), (12, 1)).astype(np.float32)
    coarse = DepthMap(depth, 0.1 * depth, _CAMERA, np.full((48, 64), 90, np.uint8))
    fine = enlarge(coarse, factor)
    assert fine.depth.shape == fine.sigma.shape == (12 * factor, 16 * factor)
    assert fine.image is not None
    assert fine.image.shape == fine.depth.shape
    c = fine.calibration
    assert (c.width, c.height, c.fx) == (16 * factor, 12 * factor, 20.0 * factor)
    rays = (np.arange(c.width) - c.cx) / c.fx
    expected = 0.2 + 0.002 * (rays * _CAMERA.fx + _CAMERA.cx)
    inner = slice(factor, -factor)
    np.testing.assert_allclose(1.0 / fine.depth[5, inner], expected[inner], rtol=1e-4)
    np.testing.assert_allclose(fine.sigma, 0.1 * fine.depth, rtol=1e-4)


def test_the_border_of_two_surfaces_is_the_images_and_nothing_lies_between() -> None:
    fine = enlarge(_step(33), 4)
    assert (np.isclose(fine.depth, 4.0) | np.isclose(fine.depth, 1.0)).all()
    np.testing.assert_allclose(fine.depth[:, :33], 4.0, rtol=1e-5)
    np.testing.assert_allclose(fine.depth[:, 34:], 1.0, rtol=1e-5)


def test_unknown_cells_stay_unknown_and_others_do_not_suffer() -> None:
    coarse = _step(32)
    coarse.depth[3, 5] = coarse.sigma[3, 5] = np.nan
    fine = enlarge(coarse, 4)
    unknown = np.zeros((48, 64), bool)
    unknown[12:16, 20:24] = True
    np.testing.assert_array_equal(np.isnan(fine.depth), unknown)
    np.testing.assert_array_equal(np.isnan(fine.sigma), unknown)


def test_on_its_own_grid_only_the_image_changes() -> None:
    coarse = _step(32)
    same = enlarge(coarse, 1)
    assert same.depth is coarse.depth
    assert same.calibration == coarse.calibration
    assert same.image is not None
    np.testing.assert_array_equal(same.image[0, [0, 7, 8, 15]], [30, 30, 200, 200])


def test_an_image_that_is_no_multiple_of_the_grid_is_cut() -> None:
    coarse = _step(32)
    image = np.pad(coarse.image, ((0, 3), (0, 2)))
    fine = enlarge(DepthMap(coarse.depth, coarse.sigma, _CAMERA, image), 4)
    assert fine.image is not None
    np.testing.assert_array_equal(fine.image, coarse.image)


def test_without_the_image_there_is_no_edge_to_follow() -> None:
    depth = np.ones((12, 16), np.float32)
    with pytest.raises(ValueError, match="image"):
        enlarge(DepthMap(depth, depth, _CAMERA), 2)
