"""The fused depth beside the network alone and the points alone."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.evaluation.depth.depth_sources import SourcesReport, points_alone
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.slam.state.estimate import DepthParts

_CAMERA = Calibration(40, 30, 35.0, 35.0, 19.5, 14.5)
_SHAPE = (30, 40)
_IMAGE = np.full(_SHAPE, 90, np.uint8)


def _parts(fused: float, network: float, points: float) -> DepthParts:
    """Inverse depths of a wall at 2 m in the map, of which each says a factor; a tenth of the cells
    has a point, the left quarter of the fused depth is uncertain."""
    has_point = np.arange(1200).reshape(_SHAPE) % 10 == 0
    sigma = np.where(np.arange(40) < 10, 0.5, 0.1) * np.ones(_SHAPE)
    grids = (
        np.full(_SHAPE, 0.5 / fused),
        sigma,
        np.full(_SHAPE, 0.5 / network),
        np.where(has_point, 0.5 / points, 0.0),
        0.5 * has_point,
    )
    return DepthParts(*(grid.astype(np.float32) for grid in grids))


def test_each_source_is_judged_at_the_paths_scale() -> None:
    report = SourcesReport(trajectory_scale=3.0)
    truth = np.full(_SHAPE, 6.0)
    report.add(_parts(1.1, 1.4, 0.8), _IMAGE, _CAMERA, truth, _CAMERA)
    report.add(_parts(1.1, 1.0, 0.8), _IMAGE, _CAMERA, truth, _CAMERA)
    figures = report.as_dict()
    assert figures["fused"]["abs_rel"] == pytest.approx(0.1, rel=1e-3)
    assert figures["network"]["abs_rel"] == pytest.approx(0.2, rel=1e-3)
    assert figures["points"]["abs_rel"] == pytest.approx(0.2, rel=1e-3)
    for source in figures.values():
        assert source["abs_rel_median_scaled"] == pytest.approx(0.0, abs=1e-4)


def test_all_true_pixels_count_certain_or_not() -> None:
    """The uncertain quarter is wrong: it is in the error, and the share known says its size."""
    report = SourcesReport(trajectory_scale=1.0)
    truth = np.full(_SHAPE, 2.0)
    truth[:, :10] = 4.0
    report.add(_parts(1.0, 1.0, 1.0), _IMAGE, _CAMERA, truth, _CAMERA)
    fused = report.as_dict()["fused"]
    assert fused["abs_rel"] == pytest.approx(0.125, rel=1e-3)
    assert fused["share_known"] == pytest.approx(0.75)


def test_a_deviation_that_says_where_it_is_wrong_has_no_area() -> None:
    areas = []
    for wrong in (slice(0, 10), slice(30, 40)):
        report = SourcesReport(trajectory_scale=1.0)
        truth = np.full(_SHAPE, 2.0)
        truth[:, wrong] = 2.2
        report.add(_parts(1.0, 1.0, 1.0), _IMAGE, _CAMERA, truth, _CAMERA)
        areas.append(report.as_dict()["fused"]["ause"])
    assert areas[0] == pytest.approx(0.0, abs=1e-3)
    assert areas[1] > 0.02


def test_points_alone_know_nothing_of_the_network() -> None:
    parts = _parts(1.0, 5.0, 0.8)
    grid = points_alone(parts, _IMAGE)
    np.testing.assert_allclose(grid[0], 0.5 / 0.8, rtol=1e-3)
