"""The interface of depth models, and one without weights: a constant, very uncertain depth."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration

# The depth grid has one cell per DEPTH_STRIDE x DEPTH_STRIDE pixels of the working image.
DEPTH_STRIDE = 4


class DepthModel(Protocol):
    """Dense depth from one image; ``name`` is for logs and messages."""

    name: str

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """Log-depth (log metres) and its standard deviation, each (1, 1, H/4, W/4) float32.

        ``image`` (1, 1, H, W) float32 grey 0-255, rectified; ``calibration`` of it. The median
        standard deviation includes that of the scale: below ``KNOWN_SCALE`` of
        ``slam.mapping.keyframe_depth`` the depth is a metric prior.
        """
        ...


class ConstantDepth:
    """Every pixel at the same depth, with a standard deviation that covers most scenes."""

    name = "constant"

    def __init__(self, depth: float, sigma: float) -> None:
        """``depth`` in metres, ``sigma`` of its log."""
        self._log_depth = math.log(depth)
        self._sigma = sigma

    def predict(self, image: Tensor, calibration: Calibration) -> tuple[Tensor, Tensor]:
        """The constant as two grids, as in ``DepthModel``."""
        shape = (1, 1, calibration.height // DEPTH_STRIDE, calibration.width // DEPTH_STRIDE)
        log_depth = torch.full(shape, self._log_depth, device=image.device)
        return log_depth, torch.full_like(log_depth, self._sigma)
