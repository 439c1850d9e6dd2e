"""Depth through two cameras: other size, other focal length, lens distortion, sparse truth."""

from __future__ import annotations

import numpy as np
import pytest

from denseba_ros.evaluation.depth.depth_comparison import sample_at_truth, truth_on_grid
from denseba_ros.evaluation.depth.depth_report import DepthReport
from denseba_ros.geometry.calibration import Calibration

GRID = Calibration(80, 60, 70.0, 70.0, 39.5, 29.5)
TRUTH = Calibration(160, 120, 156.0, 156.0, 79.5, 59.5)
LENS = Calibration(160, 120, 130.0, 130.0, 79.5, 59.5, "plumb_bob", (-0.2, 0.05, 0.0, 0.0))


def slanted(camera: Calibration) -> np.ndarray:
    """z of the plane z = 3 + 0.5 x seen by a camera without distortion, (h, w)."""
    u = np.arange(camera.width)
    return np.tile(3.0 / (1.0 - 0.5 * (u - camera.cx) / camera.fx), (camera.height, 1))


def slanted_through_lens(camera: Calibration) -> np.ndarray:
    """The same plane seen through a lens, by solving the distortion by hand (fixed point)."""
    v, u = np.mgrid[: camera.height, : camera.width]
    xd, yd = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    x, y = xd.copy(), yd.copy()
    k1, k2 = camera.coefficients[:2]
    for _ in range(50):
        r2 = x * x + y * y
        radial = 1 + k1 * r2 + k2 * r2 * r2
        x, y = xd / radial, yd / radial
    return 3.0 / (1.0 - 0.5 * x)


@pytest.mark.parametrize("camera", [GRID, TRUTH])
def test_the_same_plane_agrees_through_any_pinhole(camera: Calibration) -> None:
    sampled = sample_at_truth(slanted(GRID), GRID, slanted(camera), camera)
    # nearest sampling is off by half a pixel of the grid at most
    assert np.max(np.abs(sampled.estimate / sampled.truth - 1)) < 0.006
    assert sampled.rays_with_truth == len(sampled.truth)


def test_lens_distortion_of_the_truth_is_removed() -> None:
    sampled = sample_at_truth(slanted(GRID), GRID, slanted_through_lens(LENS), LENS)
    assert len(sampled.truth) > 10_000
    assert np.max(np.abs(sampled.estimate / sampled.truth - 1)) < 0.006


def test_ignoring_the_focal_length_would_be_seen() -> None:
    wrong = GRID.resized(160, 120)
    sampled = sample_at_truth(slanted(GRID), GRID, slanted(TRUTH), wrong)
    assert np.max(np.abs(sampled.estimate / sampled.truth - 1)) > 0.02


def test_every_point_of_a_sparse_truth_is_compared() -> None:
    truth = np.full((120, 160), np.nan)
    truth[60, 80:120] = 5.0
    estimate = np.full((60, 80), 5.0)
    estimate[:, 45:] = np.nan
    sampled = sample_at_truth(estimate, GRID, truth, TRUTH)
    assert sampled.rays_with_truth == 40
    assert 0 < len(sampled.truth) < 40
    assert set(sampled.rows.tolist()) == {30}
    assert sampled.columns.max() == 44


def test_the_nearest_point_is_shown() -> None:
    truth = np.full((120, 160), np.nan)
    truth[58:62, 78:82] = [[9.0, 2.0, 9.0, 9.0]] * 4
    assert np.nanmin(truth_on_grid(GRID, truth, TRUTH)) == 2.0
    assert np.isnan(truth_on_grid(GRID, truth, TRUTH)[0, 0])


def test_report_separates_the_ways_of_scaling() -> None:
    report = DepthReport(trajectory_scale=2.0)
    truth = slanted(GRID)
    for factor in (0.5, 0.4):
        report.add(truth * factor, GRID, truth, GRID, image=None)
    values = report.as_dict()
    assert values["unscaled"]["abs_rel"] == pytest.approx(0.55)  # type: ignore[index]
    assert values["trajectory_scaled"]["abs_rel"] == pytest.approx(0.1)  # type: ignore[index]
    assert values["median_scaled"]["abs_rel"] == pytest.approx(0.0, abs=1e-9)  # type: ignore[index]
    spread = values["truth_over_estimate_per_keyframe"]
    assert spread["std_of_log"] == pytest.approx(np.log(0.5 / 0.4) / 2)  # type: ignore[index]


def test_before_and_after_are_compared_where_both_are_known() -> None:
    truth = slanted(GRID)
    first, depth = 3.0 * truth, 0.5 * truth
    first[:, 40:] *= 1.3
    first[:10] = np.nan
    depth[20:] = np.nan
    report = DepthReport(trajectory_scale=1.0)
    report.add(depth, GRID, truth, GRID, None, first)
    before, after = (report.errors[f"{name}_adjustment"][0] for name in ("before", "after"))
    assert before.count == after.count == 10 * 80
    assert before.abs_rel > 0.1
    assert after.abs_rel < 1e-9


def test_textured_pixels_are_evaluated_separately() -> None:
    truth = slanted(GRID)
    image = np.full((60, 80), 100, np.uint8)
    image[:, 40::2] = 200
    image[:, 41::4] = 50
    depth = truth.copy()
    depth[:, :38] *= 1.5
    report = DepthReport(trajectory_scale=1.0)
    report.add(depth, GRID, truth, GRID, image)
    assert report.errors["textured_unscaled"][0].abs_rel < 0.02
    assert report.errors["unscaled"][0].abs_rel > 0.2
