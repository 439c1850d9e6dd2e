"""Depth that a sensor measured, registered to the image, in the place of a depth network's."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.errors import ImageError
from denseba_ros.frontend.depth.constant_depth import DEPTH_STRIDE, ConstantDepth
from denseba_ros.frontend.frame import UNKNOWN_DEPTH_SIGMA, DepthPrior
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort

# Least standard deviation of log-depth: calibration and registration err alike in many pixels.
_MIN_SIGMA = 0.02
# A cell of the grid is known where at least so many of its pixels are; an image where at least this
# share of its cells is.
_MIN_PIXELS, _MIN_SHARE = 4, 0.02
# Largest relative difference of the aspect ratios of an image and the depth registered to it.
_ASPECT = 0.02


class MeasuredDepth(ConstantDepth):
    """Depth images that come with the camera images; without one a constant, unknown depth.

    The depth is of the same pixels as the image: registered to it, with its distortion. It may be
    smaller.
    """

    name = "topic"

    def __init__(self, constant_depth: float, noise: float) -> None:
        """``constant_depth`` in metres; ``noise`` is the standard deviation of a depth over its
        square, 1/metre: that of stereo and structured light, whose disparities err alike at all
        distances (Khoshelham, Elberink, Sensors 12(2), 2012)."""
        super().__init__(constant_depth, UNKNOWN_DEPTH_SIGMA)
        self._noise = noise
        self._pixels: _SourcePixels | None = None

    def prior(self, depth: np.ndarray, source: Calibration, working: Calibration) -> DepthPrior:
        """The prior of an image of the camera ``working`` from ``depth`` (H, W) float32 metres, 0
        where unknown, of the pixels of the camera ``source``.

        Raises:
            ImageError: when ``depth`` has another aspect ratio than the images of ``source``.
        """
        height, width = depth.shape
        if abs(width * source.height / (height * source.width) - 1.0) > _ASPECT:
            raise ImageError(
                f"the depth is {width}x{height}, but the image {source.width}x{source.height}: "
                "it must be registered to the image"
            )
        if self._pixels is None or self._pixels.key != (source, working, depth.shape):
            self._pixels = _SourcePixels(source, working, (height, width))
        pixels = self._pixels
        return DepthPrior(lambda: self._grids(depth[pixels.rows, pixels.columns]), is_measured=True)

    def _grids(self, depth: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Log-depth and its deviation, each (1, 1, h, w), of samples (h, w, n) of each cell."""
        known = depth > 0.0
        count = known.sum(2)
        ordered = np.sort(np.where(known, depth, np.inf), axis=2)
        is_known = count >= _MIN_PIXELS
        if is_known.mean() < _MIN_SHARE:
            # Too little to tell anything of the scene.
            return self._unknown(is_known.shape)
        middle, low, high = (
            np.take_along_axis(ordered, index[..., None], 2)[..., 0]
            for index in (np.maximum(count - 1, 0) // 2, count // 4, 3 * count // 4)
        )
        middle = _filled(middle, is_known)
        with np.errstate(invalid="ignore", divide="ignore"):
            # Half the interquartile range: a cell at the edge of an object has two depths.
            spread = 0.5 * np.log(high / low)
        sigma = np.sqrt(_MIN_SIGMA**2 + (self._noise * middle) ** 2 + spread**2)
        sigma = np.where(is_known, np.minimum(sigma, UNKNOWN_DEPTH_SIGMA), UNKNOWN_DEPTH_SIGMA)
        return _grid(np.log(middle)), _grid(sigma)

    def _unknown(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        whole = np.full(shape, self._log_depth)
        return _grid(whole), _grid(np.full(shape, UNKNOWN_DEPTH_SIGMA))


class _SourcePixels:
    """Which pixels of a depth image each cell of the grid covers; ``key`` is what they depend on.

    ``rows`` and ``columns`` are (h, w, n) int.
    """

    def __init__(self, source: Calibration, working: Calibration, size: tuple[int, int]) -> None:
        """``size``: height and width of the depth images."""
        self.key = (source, working, size)
        h, w = working.height // DEPTH_STRIDE, working.width // DEPTH_STRIDE
        y, x = np.mgrid[: h * DEPTH_STRIDE, : w * DEPTH_STRIDE].astype(np.float64)
        rays = np.stack([(x - working.cx) / working.fx, (y - working.cy) / working.fy], -1)
        seen = distort(rays.reshape(-1, 2), source)
        depth = source.resized(size[1], size[0])
        u = np.rint(seen[:, 0] * depth.fx + depth.cx).astype(np.intp).clip(0, size[1] - 1)
        v = np.rint(seen[:, 1] * depth.fy + depth.cy).astype(np.intp).clip(0, size[0] - 1)
        self.rows, self.columns = _by_cell(v, h, w), _by_cell(u, h, w)


def _by_cell(values: NDArray[np.intp], h: int, w: int) -> NDArray[np.intp]:
    blocks = values.reshape(h, DEPTH_STRIDE, w, DEPTH_STRIDE).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(blocks.reshape(h, w, DEPTH_STRIDE**2))


def _filled(depth: NDArray[np.float32], is_known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``depth`` (h, w) with the value of the nearest known cell where it is not known."""
    empty = (~is_known).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(labels.max()) + 1)
    values[labels[is_known]] = depth[is_known]
    filled: NDArray[np.float64] = values[labels]
    return filled


def _grid(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[None, None]
