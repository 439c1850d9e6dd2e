"""From camera images to what the core works on: undistorted, grey, of the working size."""

from __future__ import annotations

import logging
import math

import cv2
import numpy as np

from denseba_ros.errors import CalibrationError, ImageError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort, undistort

_log = logging.getLogger(__name__)

# The pyramid halves the image, so both sides are multiples of this.
_MULTIPLE = 8
# Undistorted views reach at most this angle from the axis; beyond, a pinhole image only stretches.
_MAX_HALF_ANGLE = math.radians(60.0)
# Points along each border that find the largest valid view, and how it shrinks until it is valid.
_BORDER_POINTS = 200
_SHRINK = 0.98
_MIN_VIEW = 0.05
# The coarsest level of an image's pyramid has a sixteenth of its side; below the second side there
# are too few corners for most motions.
_SMALLEST_SIDE, _SMALL_SIDE = 16, 64
# Share of the image below which the distortion coefficients are probably wrong.
_SMALL_VIEW = 0.5
# Round-trip error, in normalised coordinates, of a point that the model can invert.
_INVERTED = 1e-4


class Rectifier:
    """Undistorts, turns grey and reduces images of one camera by a precomputed map.

    The result has about ``working_pixels`` pixels or fewer, both sides multiples of 8, is never
    enlarged, and shows only what the camera saw: a distorted view is cut to the largest upright
    rectangle without empty pixels. At most seven rows or columns are cut for the multiple of 8.

    ``calibration`` is the undistorted pinhole camera of the result.

    Raises:
        CalibrationError: when the distortion leaves no usable view, or the image is too small.
    """

    calibration: Calibration

    def __init__(self, calibration: Calibration, working_pixels: int) -> None:
        self._input = calibration
        view = _valid_view(calibration) if calibration.is_distorted else _undistorted(calibration)
        self._reduced = _reduced(view, working_pixels, calibration.width * calibration.height)
        self._left, self._top, self.calibration = _cropped(self._reduced)
        self._map = _undistortion_map(calibration, view) if calibration.is_distorted else None

    def rectify(self, image: np.ndarray) -> np.ndarray:
        """(h, w) uint8 grey of an image (H, W) grey or (H, W, 3) BGR uint8.

        The result is ``image`` itself where nothing needs to be done to it.

        Raises:
            ImageError: when the image has another size or type.
        """
        grey = self._grey(image)
        if self._map is not None:
            grey = cv2.remap(grey, *self._map, cv2.INTER_LINEAR)
        size = (self._reduced.width, self._reduced.height)
        if (grey.shape[1], grey.shape[0]) != size:
            # The mean over the area of each pixel: nothing aliases.
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        width, height = self.calibration.width, self.calibration.height
        cut = grey[self._top : self._top + height, self._left : self._left + width]
        return np.ascontiguousarray(cut)

    def _grey(self, image: np.ndarray) -> np.ndarray:
        size = (self._input.height, self._input.width)
        if image.dtype != np.uint8:
            raise ImageError(f"the image is {image.dtype}, not uint8")
        if image.shape not in (size, (*size, 3)):
            raise ImageError(
                f"the image has shape {image.shape}, but the calibration is for "
                f"{size[1]}x{size[0]} grey or BGR"
            )
        return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def _undistorted(calibration: Calibration) -> Calibration:
    c = calibration
    return Calibration(c.width, c.height, c.fx, c.fy, c.cx, c.cy)


def _valid_view(calibration: Calibration) -> Calibration:
    """The largest upright pinhole view, at the camera's own focal length, without empty pixels."""
    left, top, right, bottom = _inner_rectangle(calibration)
    scale = 1.0
    while scale > _MIN_VIEW:
        width = math.floor((right - left) * scale * calibration.fx)
        height = math.floor((bottom - top) * scale * calibration.fy)
        if width < 1 or height < 1:
            break
        view = Calibration(
            width,
            height,
            calibration.fx,
            calibration.fy,
            -left * scale * calibration.fx,
            -top * scale * calibration.fy,
        )
        if _all_seen(view, calibration):
            kept = width * height / (calibration.width * calibration.height)
            if kept < _SMALL_VIEW:
                _log.warning("undistortion keeps only %.0f %% of the image", 100.0 * kept)
            return view
        scale *= _SHRINK
    raise CalibrationError(
        f"{calibration.model} distortion {calibration.coefficients} leaves no view of a "
        f"{calibration.width}x{calibration.height} image that can be undistorted"
    )


def _inner_rectangle(calibration: Calibration) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in undistorted coordinates, inside the image of the border."""
    x = np.linspace(0.0, calibration.width - 1.0, _BORDER_POINTS)
    y = np.linspace(0.0, calibration.height - 1.0, _BORDER_POINTS)
    left = _undistorted_border(calibration, np.zeros_like(y), y)[:, 0].max(initial=-np.inf)
    right = _undistorted_border(calibration, np.full_like(y, x[-1]), y)[:, 0].min(initial=np.inf)
    top = _undistorted_border(calibration, x, np.zeros_like(x))[:, 1].max(initial=-np.inf)
    bottom = _undistorted_border(calibration, x, np.full_like(x, y[-1]))[:, 1].min(initial=np.inf)
    limit = math.tan(_MAX_HALF_ANGLE)
    return (
        float(np.clip(left, -limit, 0.0)),
        float(np.clip(top, -limit, 0.0)),
        float(np.clip(right, 0.0, limit)),
        float(np.clip(bottom, 0.0, limit)),
    )


def _undistorted_border(
    calibration: Calibration, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Undistorted coordinates (N, 2) of those pixels (N,) that the lens model can invert."""
    c = calibration
    distorted = np.stack([(columns - c.cx) / c.fx, (rows - c.cy) / c.fy], axis=-1)
    normalised = undistort(distorted, c)
    error = np.linalg.norm(distort(normalised, c) - distorted, axis=-1)
    # Beyond the fold of a polynomial the iterations may end on the other side of the axis.
    same_side = (normalised * distorted).sum(axis=-1) > 0.0
    inverted: np.ndarray = normalised[(error < _INVERTED) & same_side]
    return inverted


def _all_seen(view: Calibration, calibration: Calibration) -> bool:
    """Whether every pixel of the view has one source inside the image, and lies the right way."""
    columns = np.linspace(0.0, view.width - 1.0, 64)
    rows = np.linspace(0.0, view.height - 1.0, 64)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    normalised = (grid - [view.cx, view.cy]) / [view.fx, view.fy]
    distorted = distort(normalised.reshape(-1, 2), calibration).reshape(grid.shape)
    source = distorted * [calibration.fx, calibration.fy] + [calibration.cx, calibration.cy]
    size = np.array([calibration.width, calibration.height])
    inside = bool(np.all(source >= -0.01) and np.all(source <= size - 0.99))
    # Beyond the fold of a polynomial the order of pixels is reversed.
    ordered = bool(
        np.all(np.diff(source[..., 0], axis=1) > 0) and np.all(np.diff(source[..., 1], axis=0) > 0)
    )
    return inside and ordered


def _reduced(view: Calibration, working_pixels: int, input_pixels: int) -> Calibration:
    """The view at the working size, before the cut to multiples of 8."""
    scale = math.sqrt(min(working_pixels, input_pixels) / (view.width * view.height))
    if scale >= 1.0:
        return view
    # The scale that leaves the least to cut: the nearer side becomes an exact multiple.
    fit = max(_floor_multiple(side * scale) / side for side in (view.width, view.height))
    width, height = round(view.width * fit), round(view.height * fit)
    if _floor_multiple(width) * _floor_multiple(height) > working_pixels:
        # Rounding up crossed the next multiple and with it the budget.
        width, height = (math.floor(side * fit + 1e-6) for side in (view.width, view.height))
    return view.resized(max(width, 1), max(height, 1))


def _cropped(reduced: Calibration) -> tuple[int, int, Calibration]:
    """Columns cut at the left, rows cut at the top, and the calibration of what remains."""
    width, height = _floor_multiple(reduced.width), _floor_multiple(reduced.height)
    if min(width, height) < _SMALLEST_SIDE:
        raise CalibrationError(
            f"a {reduced.width}x{reduced.height} view is smaller than {_SMALLEST_SIDE} pixels a "
            "side"
        )
    if min(width, height) < _SMALL_SIDE:
        _log.warning("a %dx%d view is so small that little can be tracked in it", width, height)
    left, top = (reduced.width - width) // 2, (reduced.height - height) // 2
    cropped = Calibration(
        width, height, reduced.fx, reduced.fy, reduced.cx - left, reduced.cy - top
    )
    return left, top, cropped


def _floor_multiple(side: float) -> int:
    return _MULTIPLE * int(side // _MULTIPLE)


def _undistortion_map(calibration: Calibration, view: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """OpenCV's fixed-point maps from the view's pixels to the camera's."""
    size, D = (view.width, view.height), np.array(calibration.coefficients)
    if calibration.model == "equidistant":
        return cv2.fisheye.initUndistortRectifyMap(
            calibration.matrix, D, np.eye(3), view.matrix, size, cv2.CV_16SC2
        )
    return cv2.initUndistortRectifyMap(
        calibration.matrix, D, np.eye(3), view.matrix, size, cv2.CV_16SC2
    )
