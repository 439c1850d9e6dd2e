"""Brightness of one image in levels, padded so that windows at its border need no test."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

PAD = 10
"""Pixels that each level has beyond its border."""


@dataclass(frozen=True)
class Grey:
    """Brightness of one image on the CPU: ``levels`` by pyramid level, each
    (h + 2 PAD, w + 2 PAD) float32, mirrored beyond the border."""

    levels: tuple[NDArray[np.float32], ...]

    @classmethod
    def from_pyramid(cls, pyramid: list[Tensor]) -> Grey:
        """From levels (1, C, h, w) on any device whose first channel is the brightness."""
        levels = (level[0, 0].cpu().numpy() for level in pyramid)
        border = (PAD, PAD, PAD, PAD, cv2.BORDER_REFLECT)
        padded = (cv2.copyMakeBorder(level, *border) for level in levels)
        return cls(tuple(np.asarray(level, np.float32) for level in padded))

    @property
    def image(self) -> NDArray[np.float32]:
        """(H, W) brightness of the finest level."""
        return self.levels[0][PAD:-PAD, PAD:-PAD]
