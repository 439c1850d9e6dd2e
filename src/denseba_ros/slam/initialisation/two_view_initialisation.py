"""Two-view initialisation, used when no metric depth model is there: waits for parallax.

Until then the camera has rotated but hardly moved, so every image gets its rotation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.features.optical_flow import Points, detect_corners, track
from denseba_ros.frontend.two_view.two_view_geometry import UNDECIDED, TwoView, two_view
from denseba_ros.frontend.two_view.two_view_rotation import rotation_between
from denseba_ros.geometry.grey import Grey
from denseba_ros.slam.state.frame import Frame

# Median flow (share of the image width) before two views are worth trying.
_MIN_FLOW = 0.01
# Median flow in pixels up to which the camera is at rest: flow has errors of this size.
_STILL_FLOW = 0.2
# Least parallax in degrees for a new map, and for an estimate of the translation.
_MAP_PARALLAX, _TRANSLATION_PARALLAX = 1.0, 0.1
# Largest standard deviation of the direction of translation in degrees for a new map: beyond it,
# correlated errors of the flow give a wrong motion.
_MAX_DIRECTION_SIGMA = 2.0
# Least number of corners in the first image.
_MIN_CORNERS = 30
# Below this ratio of corners that are still tracked, another first image is taken.
_MIN_TRACKED = 0.35
# After so many ambiguous images (two motions explain them alike, as over a plane), the better
# motion is taken.
_MAX_AMBIGUOUS = 30
_NO_PARALLAX = "waiting for the camera to move sideways"


# Pixels (M, 2) of the same points in two images (1, 1, H, W) with a wide baseline.
WideMatcher = Callable[[Tensor, Tensor], tuple[Points, Points]]


@dataclass(frozen=True)
class TwoViewInitialisation:
    """The first of two images with their relative pose ``solution``, and its ``corners`` (M, 2) in
    pixels, to which the solution's depths belong."""

    first: Frame
    corners: Points
    solution: TwoView


class TwoViewInitialiser:
    """Takes images until two of them have enough parallax.

    ``first`` is the present first image. ``motion`` (4, 4) float64 is T_now_first of the newest
    image, with the translation in median depths; None where there are too few corners. ``reason``
    tells why there is no result yet.
    """

    def __init__(self, corners: int, matcher: WideMatcher | None = None) -> None:
        """Track up to ``corners``; where flow loses them, ``matcher`` is tried."""
        self._count = corners
        self._matcher = matcher
        self.first: Frame | None = None
        self._last: Grey | None = None
        self._corners: Points = np.zeros((0, 2), np.float32)
        self._pixels: Points = self._corners
        self._alive: NDArray[np.bool_] = np.zeros(0, bool)
        self.motion: NDArray[np.float64] | None = None
        self.reason = "waiting for the first image"
        self._ambiguous = 0

    def process(self, image: Frame) -> TwoViewInitialisation | None:
        """Take the next image; returns the two views once they suffice, else sets ``reason``."""
        if self.first is None or self._last is None:
            self._restart(image, _NO_PARALLAX)
            return None
        self._track(image.grey)
        if not len(self._alive) or self._alive.mean() < _MIN_TRACKED:
            matched = self._match_wide(image)
            if matched is not None:
                return matched
            self._restart(image, "too few corners could be tracked from the first image")
            return None
        a, b = self._corners[self._alive], self._pixels[self._alive]
        K = image.frame.calibration.matrix
        flow = float(np.median(np.linalg.norm(b - a, axis=1)))
        if flow <= _STILL_FLOW:
            self.motion, self.reason = np.eye(4), _NO_PARALLAX
            return None
        decide = self._ambiguous >= _MAX_AMBIGUOUS
        solution, self.reason = two_view(a, b, K, _TRANSLATION_PARALLAX, decide=decide)
        self._ambiguous += self.reason == UNDECIDED
        self.motion = _motion(solution, a, b, K)
        if flow < _MIN_FLOW * image.grey.image.shape[1]:
            self.reason = _NO_PARALLAX
            return None
        if solution is not None:
            solution, self.reason = _checked(solution)
        return None if solution is None else TwoViewInitialisation(self.first, a, solution)

    def _match_wide(self, image: Frame) -> TwoViewInitialisation | None:
        """Two views from learned matches with the first image."""
        if self._matcher is None or self.first is None:
            return None
        a, b = self._matcher(self.first.frame.image, image.frame.image)
        solution, _ = two_view(a, b, image.frame.calibration.matrix, _MAP_PARALLAX)
        if solution is not None:
            solution, self.reason = _checked(solution)
        return None if solution is None else TwoViewInitialisation(self.first, a, solution)

    def _track(self, grey: Grey) -> None:
        """Track from image to image for convergence, then against the first to avoid drift."""
        assert self.first is not None
        assert self._last is not None
        step, ok = track(self._last, grey, self._pixels)
        self._alive &= ok
        refined, ok = track(self.first.grey, grey, self._corners, step)
        self._alive &= ok
        self._pixels = np.where(ok[:, None], refined, step)
        self._last = grey

    def _restart(self, image: Frame, reason: str) -> None:
        """Make ``image`` the first image."""
        self.first, self._last = image, image.grey
        self._corners = detect_corners(image.grey, self._count)
        self._pixels = self._corners.copy()
        self._alive = np.ones(len(self._corners), bool)
        enough = len(self._corners) >= _MIN_CORNERS
        self.motion = np.eye(4) if enough else None
        self.reason = reason
        if not enough:
            few = f"only {len(self._corners)}" if len(self._corners) else "no"
            self.reason = f"the image shows {few} corners"


def _checked(solution: TwoView) -> tuple[TwoView | None, str]:
    """The solution if it suffices for a new map, else None and the reason."""
    sigma = solution.direction_sigma
    if sigma > _MAX_DIRECTION_SIGMA:
        return None, f"the direction of motion is known to {sigma:.1f} degrees only"
    return solution.beyond(_MAP_PARALLAX)


def _motion(
    solution: TwoView | None, first: Points, second: Points, K: NDArray[np.float64]
) -> NDArray[np.float64]:
    """T_second_first (4, 4), translation in median depths, from corners (M, 2) that moved little.

    From two views, if their parallax suffices for an approximate translation, else a rotation.
    """
    T = np.eye(4)
    if solution is None:
        T[:3, :3] = rotation_between(first, second, K)
        return T
    T[:] = solution.T_second_first
    T[:3, 3] /= np.median(solution.depth[solution.ok])
    return T
