"""How corners move between two images, measured in images 320 pixels wide."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 320
"""Of the reduced images; flow is in their pixels."""
_CORNERS, _FEWEST = 300, 30
# Pixels by which the way back may miss the start.
_RETURN = 1.0


@dataclass(frozen=True)
class Flow:
    """Corners of one image, ``start`` (M, 2), and where they are in another, ``end`` (M, 2)."""

    start: NDArray[np.float32]
    end: NDArray[np.float32]

    @property
    def length(self) -> float:
        """Median length, pixels."""
        return float(np.median(np.linalg.norm(self.end - self.start, axis=-1)))

    @property
    def common(self) -> float:
        """Length of the median vector, pixels: what all corners do alike."""
        return float(np.linalg.norm(np.median(self.end - self.start, axis=0)))

    @property
    def scattered(self) -> float:
        """Median length of the rest without the median vector, pixels."""
        moved = self.end - self.start
        return float(np.median(np.linalg.norm(moved - np.median(moved, axis=0), axis=-1)))


def grey(image: np.ndarray) -> np.ndarray:
    """(H, W) of an image (H, W) grey or (H, W, 3) BGR uint8."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def reduced(image: np.ndarray) -> np.ndarray:
    """(h, WIDTH) uint8 of a grey image (H, W)."""
    height = max(16, round(WIDTH * image.shape[0] / image.shape[1]))
    return cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)


def corners_of(small: np.ndarray) -> NDArray[np.float32]:
    """Corners (M, 2) of a reduced image; none where it shows nothing."""
    found = cv2.goodFeaturesToTrack(small, _CORNERS, 0.01, 7)
    return np.empty((0, 2), np.float32) if found is None else np.asarray(found[:, 0], np.float32)


def coarse_flow(last: np.ndarray, corners: NDArray[np.float32], new: np.ndarray) -> Flow | None:
    """Where the corners (M, 2) of a reduced image are in a new one; None where too few are found.

    By Lucas, Kanade, IJCAI 1981, in pyramids, forwards and backwards.
    """
    if len(corners) < _FEWEST:
        return None
    end, there, _ = cv2.calcOpticalFlowPyrLK(last, new, corners, np.empty_like(corners))
    back, and_back, _ = cv2.calcOpticalFlowPyrLK(new, last, end, np.empty_like(end))
    returns = np.linalg.norm(back - corners, axis=-1) < _RETURN
    is_found = (there[:, 0] > 0) & (and_back[:, 0] > 0) & returns
    if is_found.sum() < _FEWEST:
        return None
    return Flow(corners[is_found], end[is_found])
