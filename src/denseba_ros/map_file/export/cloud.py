"""Points of a keyframe in the map, grey as in its image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.map_file.map_keyframe import MapKeyframe

What = Literal["dense", "points", "cameras"]
CONTENTS: tuple[str, ...] = get_args(What)
_CAMERA_GREY = 255


@dataclass(frozen=True)
class Content:
    """Which points: ``dense`` is the depth map, ``points`` those that were adjusted, ``cameras``
    the places of the cameras; left out is what has a larger relative deviation of depth."""

    what: str = "dense"
    max_relative_sigma: float = 0.1


@dataclass(frozen=True)
class Cloud:
    """``points`` (K, 3) float32 in the map, ``grey`` (K,) uint8, ``pixels`` (K, 2) float32 of level
    0 where they were seen."""

    points: NDArray[np.float32]
    grey: NDArray[np.uint8]
    pixels: NDArray[np.float32]


def keyframe_cloud(
    keyframe: MapKeyframe,
    S_map_camera: NDArray[np.float64],
    calibration: Calibration,
    content: Content,
) -> Cloud:
    """The certain points of one keyframe; a point p of the camera is ``S p`` in the map."""
    if content.what == "cameras":
        place = S_map_camera[None, :3, 3].astype(np.float32)
        grey = np.array([_CAMERA_GREY], np.uint8)
        return Cloud(place, grey, np.zeros((1, 2), np.float32))
    if content.what == "points":
        pixels, inverse_depth = keyframe.pixels, keyframe.inverse_depth
        sigma = keyframe.relative_sigma
    else:
        inverse_depth, sigma = (part.reshape(-1) for part in keyframe.inverse_depth_map)
        shape = keyframe.inverse_depth_map.shape[1:]
        pixels = _centres(shape, keyframe.image.shape)
    with np.errstate(invalid="ignore"):
        is_certain = (inverse_depth > 0) & np.isfinite(inverse_depth)
        is_certain &= sigma <= content.max_relative_sigma
    pixels = pixels[is_certain]
    depth = 1.0 / inverse_depth[is_certain].astype(np.float64)
    points = _points(pixels, depth, calibration)
    in_map = points @ S_map_camera[:3, :3].T + S_map_camera[:3, 3]
    return Cloud(in_map.astype(np.float32), _grey(keyframe.image, pixels), pixels)


def _points(
    pixels: NDArray[np.float32], depth: NDArray[np.float64], c: Calibration
) -> NDArray[np.float64]:
    """Points (K, 3) in the camera's frame and unit."""
    x = (pixels[:, 0] - c.cx) / c.fx * depth
    y = (pixels[:, 1] - c.cy) / c.fy * depth
    return np.stack([x, y, depth], axis=1)


def _centres(shape: tuple[int, ...], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Pixels of level 0 (h w, 2) in the middle of the cells of a map of ``shape`` (h, w)."""
    v, u = np.mgrid[: shape[0], : shape[1]]
    x = (u + 0.5) * (size[1] / shape[1]) - 0.5
    y = (v + 0.5) * (size[0] / shape[0]) - 0.5
    return np.stack([x.reshape(-1), y.reshape(-1)], axis=1).astype(np.float32)


def _grey(image: NDArray[np.uint8], pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Brightness (K,) of the nearest pixels."""
    x, y = np.rint(pixels.T).astype(np.int64)
    height, width = image.shape
    return np.asarray(image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], np.uint8)
