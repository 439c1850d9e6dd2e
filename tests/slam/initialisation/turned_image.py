"""What a camera sees that turns on the spot before a large image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

K = np.array([[262.5, 0.0, 159.5], [0.0, 262.5, 119.5], [0.0, 0.0, 1.0]])
"""Camera matrix of the images, 320 x 240: 63 degrees wide."""


def _scene() -> NDArray[np.float32]:
    """(960, 1280) float32: blobs of all sizes, on a plane twice the focal length wide each way."""
    rng = np.random.default_rng(3)
    scene = np.zeros((960, 1280), np.float32)
    for sigma in (2.0, 6.0, 20.0):
        noise = rng.standard_normal(scene.shape).astype(np.float32)
        layer = cv2.GaussianBlur(noise, (0, 0), sigma)
        scene += layer / layer.std()
    return np.asarray(np.clip(128.0 + 30.0 * scene, 0.0, 255.0), np.float32)


_SCENE = _scene()
_SCENE_K = np.array([[262.5, 0.0, 639.5], [0.0, 262.5, 479.5], [0.0, 0.0, 1.0]])


def turned(R: NDArray[np.float64]) -> NDArray[np.float32]:
    """Grey image (240, 320) float32 of a camera turned by R_camera_scene (3, 3)."""
    H = K @ R @ np.linalg.inv(_SCENE_K)
    return np.asarray(cv2.warpPerspective(_SCENE, H, (320, 240)), np.float32)
