"""One frame with what tracking and mapping both need of its image, made once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pyramid import build_pyramid

_LEVELS = 5


@dataclass(frozen=True)
class Frame:
    """``frame`` of the frontend, ``pyramid`` per level (1, 3, h, w) brightness and gradients, but
    for the finest, (1, 1, h, w), of which only flow and features ask, and ``grey``, its brightness
    for optical flow."""

    frame: FrontendFrame
    grey: Grey
    pyramid: list[Tensor]

    @classmethod
    def prepare(cls, frame: FrontendFrame) -> Frame:
        pyramid = build_pyramid(frame.image, _LEVELS, plain=1)
        return cls(frame, Grey.from_pyramid(pyramid), pyramid)
