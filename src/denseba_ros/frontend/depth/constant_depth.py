"""The depth prior that needs no weights: one constant depth, stated as almost unknown.

Any depth model gives the same two grids, so the networks take this one's place unchanged.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration

# The depth grid has one cell per DEPTH_STRIDE x DEPTH_STRIDE pixels of the working image.
DEPTH_STRIDE = 4


class DepthModel(Protocol):
    """Dense depth from one image."""

    name: str

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """Log-depth (log metres) and its standard deviation, each (1, 1, H/4, W/4) float32.

        ``image`` (1, 1, H, W) float32 grey 0-255, rectified. The median deviation says what is
        known of the scale: below ``KNOWN_SCALE`` of ``slam.keyframe_depth``, depth is metric.
        """
        ...


class ConstantDepth:
    """Every pixel at the same depth, with a deviation wide enough to be true of most scenes."""

    name = "constant"

    def __init__(self, depth: float, sigma: float) -> None:
        self._log_depth = math.log(depth)
        self._sigma = sigma

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        shape = (1, 1, calibration.height // DEPTH_STRIDE, calibration.width // DEPTH_STRIDE)
        log_depth = torch.full(shape, self._log_depth, device=image.device)
        return log_depth, torch.full_like(log_depth, self._sigma)
