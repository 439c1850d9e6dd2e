"""The first two keyframes when no network knows the depth: wait for parallax, then two views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.flow import Points, detect_corners, track
from denseba_ros.frontend.frame import FrontendFrame
from denseba_ros.frontend.two_view import TwoView, two_view

# Median flow (share of the image width) before two views are worth trying.
_MIN_FLOW = 0.01
# Below this share of corners still followed the first image is given up.
_MIN_FOLLOWED = 0.35


@dataclass(frozen=True)
class Start:
    """Two images with their relative pose: ``corners`` (M, 2) of the first image."""

    first: FrontendFrame
    first_grey: NDArray[np.uint8]
    corners: Points
    solution: TwoView


class Bootstrap:
    """Feed images until a start comes back."""

    def __init__(self, corners: int) -> None:
        self._count = corners
        self._first: FrontendFrame | None = None
        self._grey: NDArray[np.uint8] | None = None
        self._last: NDArray[np.uint8] | None = None
        self._corners: Points = np.zeros((0, 2), np.float32)
        self._places: Points = self._corners
        self._alive: NDArray[np.bool_] = np.zeros(0, bool)
        self.reason = "waiting for the first image"

    def process(self, frame: FrontendFrame, grey: NDArray[np.uint8]) -> Start | None:
        """Returns the start as soon as there is one; else ``reason`` says what is missing."""
        if self._first is None or self._grey is None or self._last is None:
            self._restart(frame, grey, "waiting for the camera to move sideways")
            return None
        self._follow(grey)
        if not len(self._alive) or self._alive.mean() < _MIN_FOLLOWED:
            self._restart(frame, grey, "too few corners could be followed from the first image")
            return None
        a, b = self._corners[self._alive], self._places[self._alive]
        flow = float(np.median(np.linalg.norm(b - a, axis=1)))
        if flow < _MIN_FLOW * grey.shape[1]:
            self.reason = "waiting for the camera to move sideways"
            return None
        solution, self.reason = two_view(a, b, frame.calibration.matrix)
        if solution is None:
            return None
        return Start(self._first, self._grey, a, solution)

    def _follow(self, grey: NDArray[np.uint8]) -> None:
        """Follow from image to image for a wide basin, then against the first for no drift."""
        assert self._grey is not None
        assert self._last is not None
        step, ok = track(self._last, grey, self._places)
        self._alive &= ok
        refined, ok = track(self._grey, grey, self._corners, step)
        self._alive &= ok
        self._places = np.where(ok[:, None], refined, step)
        self._last = grey

    def _restart(self, frame: FrontendFrame, grey: NDArray[np.uint8], reason: str) -> None:
        self._first, self._grey, self._last = frame, grey, grey
        self._corners = detect_corners(grey, self._count)
        self._places = self._corners.copy()
        self._alive = np.ones(len(self._corners), bool)
        self.reason = reason if len(self._corners) else "the image shows no corners"
