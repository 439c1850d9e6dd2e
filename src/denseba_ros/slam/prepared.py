"""One frame with what tracking and mapping both need of its image, made once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry.pyramid import build_pyramid

_LEVELS = 5


@dataclass(frozen=True)
class PreparedFrame:
    """``frame`` of the frontend, ``grey`` (H, W) uint8 on the CPU for optical flow, ``pyramid``
    per level (1, 3, h, w) brightness and gradients."""

    frame: FrontendFrame
    grey: NDArray[np.uint8]
    pyramid: list[Tensor]

    @classmethod
    def prepare(cls, frame: FrontendFrame) -> PreparedFrame:
        grey = frame.image[0, 0].clamp(0, 255).to(torch.uint8).cpu().numpy()
        return cls(frame, grey, build_pyramid(frame.image, _LEVELS))
