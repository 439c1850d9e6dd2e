"""One frame with the image pyramid that tracking and mapping both use."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pyramid import build_pyramid

_LEVELS = 5


@dataclass(frozen=True)
class Frame:
    """An image ready for tracking and mapping.

    ``frame`` of the frontend; ``pyramid`` per level (1, 3, h, w) float32 intensity and its two
    gradients, the finest (1, 1, h, w) intensity only; ``grey``, the intensity for optical flow.
    """

    frame: FrontendFrame
    grey: Grey
    pyramid: list[Tensor]

    @classmethod
    def prepare(cls, frame: FrontendFrame) -> Frame:
        """Build the pyramid of a frontend frame."""
        return cls(frame, *image_levels(frame.image))


def image_levels(image: Tensor) -> tuple[Grey, list[Tensor]]:
    """``grey`` and ``pyramid`` of a ``Frame`` from its image (1, 1, H, W) float32."""
    pyramid = build_pyramid(image, _LEVELS, plain=1)
    return Grey.from_pyramid(pyramid), pyramid
