"""Output of the frontend for one image: rectified grey image, depth prior, motion prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.geometry.calibration import Calibration

UNKNOWN_DEPTH_SIGMA = 4.0
"""Standard deviation of log-depth where nothing was measured: the value beside it means nothing."""


@dataclass(frozen=True)
class Motion:
    """Motion prior since the last frame.

    ``T_previous_current`` (4, 4) float64 on the CPU; ``covariance`` (6, 6) of (translation,
    rotation) in the previous camera's frame; ``gain`` and ``offset``: the current image's
    brightness is ``gain * previous + offset``.
    """

    T_previous_current: Tensor
    covariance: Tensor
    gain: float = 1.0
    offset: float = 0.0


class DepthPrior:
    """Log-depth and its standard deviation, computed on first access: most images need none."""

    def __init__(
        self, compute: Callable[[], tuple[Tensor, Tensor]], is_measured: bool = False
    ) -> None:
        """``compute`` returns log-depth (log metres) and standard deviation, (1, 1, h, w).

        ``is_measured``: by a sensor, so that nothing is run for it.
        """
        self._compute, self.is_measured = compute, is_measured
        # Of this prior alone: cached_property of Python 3.11 would let all wait for one.
        self._lock = Lock()
        self._grids: tuple[Tensor, Tensor] | None = None

    @classmethod
    def known(cls, log_depth: Tensor, sigma: Tensor) -> DepthPrior:
        """From grids (1, 1, h, w) that are computed already."""
        return cls(lambda: (log_depth, sigma))

    def to(self, device: torch.device) -> DepthPrior:
        """The same prior on ``device``."""

        def moved() -> tuple[Tensor, Tensor]:
            log_depth, sigma = self.grids
            return log_depth.to(device), sigma.to(device)

        return DepthPrior(moved, self.is_measured)

    @property
    def grids(self) -> tuple[Tensor, Tensor]:
        """Log-depth (log metres) and its standard deviation, each (1, 1, h, w) float32."""
        with self._lock:
            if self._grids is None:
                self._grids = self._compute()
            return self._grids


@dataclass(frozen=True)
class FrontendFrame:
    """One rectified image with its depth and motion priors.

    Attributes:
        stamp_ns: stamp of the image.
        image: (1, 1, H, W) float32, grey 0-255, rectified, at the working resolution.
        calibration: undistorted pinhole camera of ``image``.
        depth: the depth model's prediction.
        motion: the pose model's motion since the previous frame; None without a pose model.
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
    def median_depth_sigma(self) -> float:
        """Median of ``log_depth_sigma`` as ``median_known`` has it."""
        return median_known(self.log_depth_sigma)

    @property
    def device(self) -> torch.device:
        """Device of the image."""
        return self.image.device

    def grey(self) -> NDArray[np.uint8]:
        """A copy of the image, (H, W) uint8."""
        grey: NDArray[np.uint8] = self.image[0, 0].clamp(0, 255).to(torch.uint8).cpu().numpy()
        return grey


def median_known(sigma: Tensor) -> float:
    """Median of deviations of log-depth over the pixels where anything is known of the depth;
    ``UNKNOWN_DEPTH_SIGMA`` where there is no such pixel."""
    known = sigma[sigma < UNKNOWN_DEPTH_SIGMA]
    return float(known.median()) if known.numel() else UNKNOWN_DEPTH_SIGMA
