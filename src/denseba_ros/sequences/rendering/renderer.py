"""Images and depth of a world of textured rectangles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.rendering.ray_casting import cast, planes_of
from denseba_ros.sequences.rendering.shading import shade
from denseba_ros.sequences.rendering.texture_pyramid import Surface, paint_pyramids

# Rays per pixel along each axis.
_SUPERSAMPLING = 2


class Renderer:
    """Renders surfaces that are painted once, with one seed.

    Args:
        surfaces: what there is to see.
        seed: of the paint.
        texel: edge of a texel in metres.
        samples: of the texture, at most, along the longer axis of a ray's footprint.
    """

    def __init__(self, surfaces: Sequence[Surface], seed: int, texel: float, samples: int) -> None:
        faces = [surface.face for surface in surfaces]
        self._frames = np.array([[face.origin, face.u, face.v, face.normal] for face in faces])
        self._corners = np.array([face.corners for face in faces])
        self._sizes = np.array([face.size for face in faces])
        self._paint = paint_pyramids(surfaces, seed, texel)
        self._samples = samples

    def brightness(self, calibration: Calibration, T_world_camera: np.ndarray) -> np.ndarray:
        """(H, W) float32 grey levels, each pixel the mean over its area."""
        s = _SUPERSAMPLING
        fine = calibration.resized(calibration.width * s, calibration.height * s)
        paint = self._paint
        hits = self._cast(fine, T_world_camera)
        return shade(*hits, paint.texels, paint.levels, paint.texel, s, self._samples)

    def depth(self, calibration: Calibration, T_world_camera: np.ndarray) -> np.ndarray:
        """(H, W) float32 metres along z, through the pixel centres."""
        depth: np.ndarray = 1.0 / self._cast(calibration, T_world_camera)[0]
        return depth

    def _cast(
        self, calibration: Calibration, T_world_camera: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        R, centre = T_world_camera[:3, :3], T_world_camera[:3, 3]
        K = calibration.matrix
        planes = planes_of(self._frames, R @ np.linalg.inv(K), centre)
        corners = np.ascontiguousarray((self._corners - centre) @ R)
        size = (calibration.height, calibration.width)
        return *cast(planes, self._sizes, corners, K, *size), planes
