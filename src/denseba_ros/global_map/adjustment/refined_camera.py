"""The calibration of a camera with what it left over, as an adjusted map found that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort, undistort
from denseba_ros.global_map.adjustment.lens import Lens
from denseba_ros.pose_graph.graph import Doubles

# Columns and rows of pixels over which the distortion is fitted.
_GRID = (24, 18)
# Of an image that came without distortion: k1, k2, p1, p2.
_PLAIN = (0.0, 0.0, 0.0, 0.0)


def refined_camera(calibration: Calibration, lens: Lens) -> Calibration:
    """A calibration of the same images and model, "plumb_bob" where there was none, that sees as
    ``calibration`` does through ``lens``; the distortion is fitted over the image."""
    focal = math.exp(lens.log_focal)
    c = calibration
    if c.model == "none":
        c = replace(c, model="plumb_bob", coefficients=_PLAIN)
    distorted = _grid(c)
    seen = undistort(distorted, c)
    # Beyond the fold of a polynomial a pixel shows nothing.
    known = np.linalg.norm(distort(seen, c) - distorted, axis=1) < 1e-6
    places, target = lens.places(seen[known]), distorted[known] / focal

    def errors(coefficients: Doubles) -> Doubles:
        fitted = replace(c, coefficients=tuple(float(k) for k in coefficients))
        difference: Doubles = (distort(places, fitted) - target).ravel()
        return difference

    found = least_squares(errors, np.array(c.coefficients), x_scale="jac").x
    coefficients = tuple(float(k) for k in found)
    return replace(c, fx=c.fx * focal, fy=c.fy * focal, coefficients=coefficients)


def _grid(calibration: Calibration) -> Doubles:
    """Distorted coordinates (N, 2) at z = 1 of pixels all over the image."""
    c = calibration
    columns, rows = np.linspace(0, c.width - 1, _GRID[0]), np.linspace(0, c.height - 1, _GRID[1])
    pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    grid: Doubles = (pixels - [c.cx, c.cy]) / [c.fx, c.fy]
    return grid
