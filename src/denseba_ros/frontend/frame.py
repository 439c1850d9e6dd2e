"""What the frontend hands to the backend for one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration


@dataclass(frozen=True)
class Motion:
    """Motion since the last frame.

    ``T_previous_current`` (4, 4) float64 on the CPU; ``covariance`` (6, 6) of (translation,
    rotation) in the previous camera's frame; ``gain`` and ``offset``: the current image's
    brightness is ``gain * previous + offset``.
    """

    T_previous_current: Tensor
    covariance: Tensor
    gain: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class FrontendFrame:
    """One image after rectification, with the networks' opinion of it.

    Attributes:
        stamp_ns: stamp of the image.
        image: (1, 1, H, W) float32, grey 0-255, rectified, at the working resolution.
        calibration: undistorted pinhole camera of ``image``.
        log_depth: (1, 1, h, w) float32, natural log of the depth in metres, on the depth grid.
        log_depth_sigma: (1, 1, h, w) float32, its standard deviation.
        motion: motion since the previous frame, None when the frontend has no opinion.
    """

    stamp_ns: int
    image: Tensor
    calibration: Calibration
    log_depth: Tensor
    log_depth_sigma: Tensor
    motion: Motion | None = None

    @property
    def device(self) -> torch.device:
        return self.image.device
