"""Inputs of the tracker: points of the newest keyframe, and a new image with tracked corners."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from denseba_ros.backend.problem import Noise
from denseba_ros.backend.window import Points
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside, sample


@dataclass(frozen=True)
class ReferenceLevel:
    """The reference's points on one pyramid level: ``camera`` of the level, ``brightness`` (N,) in
    grey levels, ``gradient_weight`` (N,), 0 to 1, and ``usable`` (N,) bool, inside the border."""

    camera: Pinhole
    brightness: Tensor
    gradient_weight: Tensor
    usable: Tensor


@dataclass(frozen=True)
class Reference:
    """Points of the newest keyframe that can be tracked; corners are the first.

    ``pixels`` (N, 2), ``rays`` (N, 3), ``inverse_depth``, ``relative_sigma`` and ``valid`` (N,),
    ``affine`` (2,) float64 of the keyframe, ``levels`` by pyramid level, ``camera`` of level 0.
    """

    camera: Pinhole
    pixels: Tensor
    rays: Tensor
    inverse_depth: Tensor
    relative_sigma: Tensor
    valid: Tensor
    affine: Tensor
    levels: dict[int, ReferenceLevel]

    @classmethod
    def cut(
        cls,
        camera: Pinhole,
        points: Points,
        pyramid: list[Tensor],
        affine: Tensor,
        levels: tuple[int, ...],
        noise: Noise,
    ) -> Reference:
        """Sample the points of a keyframe from its pyramid, once for all later images."""
        by_level = {}
        for level in levels:
            small = camera.level(level)
            pixels = (points.pixels + 0.5) / (1 << level) - 0.5
            values = sample(pyramid[level], pixels[None])[0]
            c2 = noise.gradient**2
            gradient_weight = c2 / (c2 + values[1] ** 2 + values[2] ** 2)
            usable = points.valid & inside(pixels, small.width, small.height, 1.0)
            by_level[level] = ReferenceLevel(small, values[0].contiguous(), gradient_weight, usable)
        return cls(
            camera,
            points.pixels,
            camera.rays(points.pixels),
            points.inverse_depth,
            points.relative_sigma,
            points.valid,
            affine,
            by_level,
        )


@dataclass(frozen=True)
class Corners:
    """Observations of the reference's corners: ``pixels`` (F, 2) float32, ``ok`` (F,) bool."""

    pixels: Tensor
    ok: Tensor


@dataclass(frozen=True)
class CurrentView:
    """The image to align: its ``pyramid`` and the reference's ``corners`` tracked into it."""

    pyramid: list[Tensor]
    corners: Corners
