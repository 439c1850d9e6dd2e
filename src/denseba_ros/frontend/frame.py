"""What the frontend hands to the backend for one image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

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


class DepthPrior:
    """Log-depth and its deviation, computed when first asked for: most images never are."""

    def __init__(self, compute: Callable[[], tuple[Tensor, Tensor]]) -> None:
        self._compute = compute

    @classmethod
    def known(cls, log_depth: Tensor, sigma: Tensor) -> DepthPrior:
        """Of grids (1, 1, h, w) that are there already."""
        return cls(lambda: (log_depth, sigma))

    @cached_property
    def grids(self) -> tuple[Tensor, Tensor]:
        return self._compute()


@dataclass(frozen=True)
class FrontendFrame:
    """One image after rectification, with the networks' opinion of it.

    Attributes:
        stamp_ns: stamp of the image.
        image: (1, 1, H, W) float32, grey 0-255, rectified, at the working resolution.
        calibration: undistorted pinhole camera of ``image``.
        depth: what the depth model says of the image.
        motion: motion since the previous frame, None when the frontend has no opinion.
    """

    stamp_ns: int
    image: Tensor
    calibration: Calibration
    depth: DepthPrior
    motion: Motion | None = None

    @property
    def log_depth(self) -> Tensor:
        """(1, 1, h, w) float32, natural log of the depth in metres, on the depth grid."""
        return self.depth.grids[0]

    @property
    def log_depth_sigma(self) -> Tensor:
        """(1, 1, h, w) float32, its standard deviation."""
        return self.depth.grids[1]

    @property
    def device(self) -> torch.device:
        return self.image.device
