"""Decoded inputs of the depth training, kept in memory slightly larger than the network's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.depth.depth_network_size import network_size
from denseba_ros.geometry.calibration import Calibration

Grey = NDArray[np.uint8]
Depth = NDArray[np.float32]
Matrix = NDArray[np.float64]

# Kept images are larger than the network's by this factor, for crops that zoom in.
_MARGIN = 1.25


@dataclass(frozen=True)
class View:
    """Another image of the same scene: (H, W) uint8, its camera, and ``T_view_image`` (4, 4),
    metres."""

    image: Grey
    camera: Calibration
    T_view_image: Matrix


@dataclass(frozen=True)
class DepthSample:
    """One training image.

    ``image`` (H, W) uint8; ``depth`` (H, W) float32 metres, 0 = unknown: measured if ``measured``,
    else a hint; ``views`` for the photometric losses.
    """

    image: Grey
    camera: Calibration
    depth: Depth
    measured: bool
    views: tuple[View, ...] = ()


@dataclass(frozen=True)
class SampleSet:
    """Samples of one source, all of one size; ``size`` (width, height) is the network's input."""

    name: str
    size: tuple[int, int]
    samples: list[DepthSample] = field(repr=False)
    weight: float = 1.0


def kept_size(width: int, height: int, pixels: int) -> tuple[int, int]:
    """(width, height) at which an image is kept for a network of ``pixels``; never enlarged."""
    w, h = network_size(width, height, pixels)
    return min(width, round(_MARGIN * w)), min(height, round(_MARGIN * h))


def reduced(image: Grey, camera: Calibration, size: tuple[int, int]) -> tuple[Grey, Calibration]:
    """Image and camera at ``size`` (width, height)."""
    if (camera.width, camera.height) == size:
        return image, camera
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), camera.resized(*size)


def registered(depth: Depth, depth_camera: Calibration, camera: Calibration) -> Depth:
    """Depth (h, w) of ``depth_camera`` resampled to the pixels of ``camera``, which has the same
    centre and axes.

    Nearest neighbour, as interpolation would mix depths across edges. 0 outside.
    """
    x = np.arange(camera.width, dtype=np.float32)
    y = np.arange(camera.height, dtype=np.float32)
    u = (x - camera.cx) / camera.fx * depth_camera.fx + depth_camera.cx
    v = (y - camera.cy) / camera.fy * depth_camera.fy + depth_camera.cy
    map_x, map_y = np.meshgrid(u.astype(np.float32), v.astype(np.float32))
    resampled = cv2.remap(
        depth, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(resampled, np.float32)


def total_bytes(sets: Sequence[SampleSet]) -> int:
    """Memory of the decoded inputs, bytes."""
    return sum(
        s.image.nbytes + s.depth.nbytes + sum(v.image.nbytes for v in s.views)
        for one in sets
        for s in one.samples
    )
