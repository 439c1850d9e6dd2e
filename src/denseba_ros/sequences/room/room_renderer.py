"""Images and depth of the synthetic room, by ray casting of all pixels at each face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch

from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.room.room_atlas import TEXEL, Atlas, build_atlas
from denseba_ros.sequences.room.room_geometry import Face, room_faces

# Rays per pixel along each axis.
_SUPERSAMPLING = 2
_NEAR = 0.05
# Neighbouring faces overlap by this much (metres), so that no ray passes between them.
_SEAM = 1e-4


@dataclass
class _Hits:
    """The first intersection of each ray: inverse depth, texel, mip level; all (h, w) float32."""

    inverse_depth: np.ndarray
    x: np.ndarray
    y: np.ndarray
    level: np.ndarray


class RoomRenderer:
    """Renders the room with the surfaces of one seed. Use ``room_renderer``, which shares it."""

    def __init__(self, seed: int) -> None:
        self._faces = room_faces()
        self._atlas: Atlas = build_atlas(self._faces, seed)

    def brightness(self, calibration: Calibration, T_world_camera: np.ndarray) -> np.ndarray:
        """(H, W) float32, each pixel the mean over its area."""
        s = _SUPERSAMPLING
        fine = calibration.resized(calibration.width * s, calibration.height * s)
        hits = self._cast(fine, T_world_camera)
        x, y, level = (torch.from_numpy(a) for a in (hits.x, hits.y, hits.level))
        image = self._atlas.sample(x, y, level).numpy()
        size = (calibration.width, calibration.height)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

    def depth(self, calibration: Calibration, T_world_camera: np.ndarray) -> np.ndarray:
        """(H, W) float32 metres along z, through the pixel centres."""
        return 1.0 / self._cast(calibration, T_world_camera).inverse_depth

    def _cast(self, calibration: Calibration, T_world_camera: np.ndarray) -> _Hits:
        shape = (calibration.height, calibration.width)
        hits = _Hits(*(np.zeros(shape, dtype=np.float32) for _ in range(4)))
        directions = T_world_camera[:3, :3] @ np.linalg.inv(calibration.matrix)
        centre = T_world_camera[:3, 3]
        for face, corner in zip(self._faces, self._atlas.corners, strict=True):
            if face.normal @ (face.origin - centre) >= 0.0:
                continue  # seen from behind
            region = _region(face, calibration, T_world_camera)
            if region is not None:
                _cast_face(hits, face, corner, directions, centre, region)
        return hits


@lru_cache(maxsize=3)
def room_renderer(seed: int) -> RoomRenderer:
    """The renderer of the room with this ``seed``, built once."""
    return RoomRenderer(seed)


def _cast_face(
    hits: _Hits,
    face: Face,
    corner: tuple[int, int],
    directions: np.ndarray,
    centre: np.ndarray,
    region: tuple[slice, slice],
) -> None:
    """Write the intersections with a face where they are nearer than those in ``hits``.

    On a plane the inverse depth is affine in the pixel, and so are u and v times it:
    H (3, 3) maps (column, row, 1) to (u, v, 1) * inverse depth.
    """
    offset = centre - face.origin
    H = np.stack([face.u, face.v, face.normal]) @ directions
    H[2] /= -(face.normal @ offset)
    H[0] += (face.u @ offset) * H[2]
    H[1] += (face.v @ offset) * H[2]
    rows = np.arange(region[0].start, region[0].stop, dtype=np.float32)[:, None]
    columns = np.arange(region[1].start, region[1].stop, dtype=np.float32)[None, :]
    u, v, w = (np.float32(h[0]) * columns + (np.float32(h[1]) * rows + np.float32(h[2])) for h in H)
    before = hits.inverse_depth[region]
    nearer = w > np.maximum(before, 1e-6)
    safe = np.where(nearer, w, np.float32(1.0))
    u /= safe
    v /= safe
    visible = nearer & (u >= -_SEAM) & (u <= face.size[0] + _SEAM)
    visible &= (v >= -_SEAM) & (v <= face.size[1] + _SEAM)
    np.copyto(before, w, where=visible)
    # Texel centres are integers, so a face's edge lies half a texel before its first one.
    np.copyto(hits.x[region], u / TEXEL + np.float32(corner[0] - 0.5), where=visible)
    np.copyto(hits.y[region], v / TEXEL + np.float32(corner[1] - 0.5), where=visible)
    # The area of the pixel on the face is the Jacobian's determinant, det(H) / w^3.
    area = np.float32(abs(np.linalg.det(H)) / TEXEL**2)
    level = 0.5 * (np.log2(area) - 3.0 * np.log2(safe))
    np.copyto(hits.level[region], level, where=visible)


def _region(
    face: Face, calibration: Calibration, T_world_camera: np.ndarray
) -> tuple[slice, slice] | None:
    """Rows and columns of the face's image, None when it is out of view."""
    R, t = T_world_camera[:3, :3], T_world_camera[:3, 3]
    polygon = _clip_near((face.corners - t) @ R)
    if len(polygon) == 0:
        return None
    pixels = polygon @ calibration.matrix.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    low, high = np.floor(pixels.min(axis=0)) - 1, np.ceil(pixels.max(axis=0)) + 2
    x0, x1 = (int(np.clip(value, 0, calibration.width)) for value in (low[0], high[0]))
    y0, y1 = (int(np.clip(value, 0, calibration.height)) for value in (low[1], high[1]))
    return None if x0 == x1 or y0 == y1 else (slice(y0, y1), slice(x0, x1))


def _clip_near(points: np.ndarray) -> np.ndarray:
    """The part of a polygon (N, 3) in front of the camera."""
    kept: list[np.ndarray] = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[2] >= _NEAR:
            kept.append(a)
        if (a[2] >= _NEAR) != (b[2] >= _NEAR):
            kept.append(a + (b - a) * ((_NEAR - a[2]) / (b[2] - a[2])))
    return np.array(kept)
