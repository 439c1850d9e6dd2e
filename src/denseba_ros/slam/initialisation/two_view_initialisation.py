"""The first two keyframes when no network knows the depth: wait for parallax, then two views.

While it waits, the camera has turned but hardly moved, so every image gets its rotation.
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
# Median flow in pixels up to which the camera stands still: flow errs by as much.
_STILL_FLOW = 0.2
# Parallax in degrees that a map can start from, and from which a translation shows at all.
_START_PARALLAX, _SEEN_PARALLAX = 1.0, 0.1
# Deviation of the direction of motion in degrees up to which a map starts: errors of flow that
# corners share make two views say a wrong motion where this is large.
_MAX_DIRECTION_SIGMA = 2.0
# Fewer corners in the first image say nothing.
_MIN_CORNERS = 30
# Below this share of corners still followed the first image is given up.
_MIN_FOLLOWED = 0.35
# After so many images that two motions explain alike, as over a plane, the better one is taken.
_PATIENCE = 30
_STANDS = "waiting for the camera to move sideways"


# Places (M, 2) of the same points in two images (1, 1, H, W) that may be far apart.
WideMatcher = Callable[[Tensor, Tensor], tuple[Points, Points]]


@dataclass(frozen=True)
class TwoViewInitialisation:
    """Two images with their relative pose: ``corners`` (M, 2) of the first image."""

    first: Frame
    corners: Points
    solution: TwoView


class TwoViewInitialiser:
    """Feed images until a start comes back."""

    def __init__(self, corners: int, matcher: WideMatcher | None = None) -> None:
        """Follow up to ``corners``; where flow loses them, ``matcher`` looks for a start."""
        self._count = corners
        self._matcher = matcher
        self.first: Frame | None = None
        self._last: Grey | None = None
        self._corners: Points = np.zeros((0, 2), np.float32)
        self._pixels: Points = self._corners
        self._alive: NDArray[np.bool_] = np.zeros(0, bool)
        # T_now_first (4, 4) of the newest image with the translation in median depths, None where
        # no corners say it.
        self.motion: NDArray[np.float64] | None = None
        self.reason = "waiting for the first image"
        # Images so far that two motions explained alike.
        self._undecided = 0

    def process(self, image: Frame) -> TwoViewInitialisation | None:
        """Returns the start as soon as there is one; else ``reason`` says what is missing."""
        if self.first is None or self._last is None:
            self._restart(image, _STANDS)
            return None
        self._follow(image.grey)
        if not len(self._alive) or self._alive.mean() < _MIN_FOLLOWED:
            start = self._wide_start(image)
            if start is not None:
                return start
            self._restart(image, "too few corners could be followed from the first image")
            return None
        a, b = self._corners[self._alive], self._pixels[self._alive]
        K = image.frame.calibration.matrix
        flow = float(np.median(np.linalg.norm(b - a, axis=1)))
        if flow <= _STILL_FLOW:
            self.motion, self.reason = np.eye(4), _STANDS
            return None
        tired = self._undecided >= _PATIENCE
        solution, self.reason = two_view(a, b, K, _SEEN_PARALLAX, decide=tired)
        self._undecided += self.reason == UNDECIDED
        self.motion = _motion(solution, a, b, K)
        if flow < _MIN_FLOW * image.grey.image.shape[1]:
            self.reason = _STANDS
            return None
        if solution is not None:
            solution, self.reason = _suffices(solution)
        return None if solution is None else TwoViewInitialisation(self.first, a, solution)

    def _wide_start(self, image: Frame) -> TwoViewInitialisation | None:
        """A start from learned matches with the first image."""
        if self._matcher is None or self.first is None:
            return None
        a, b = self._matcher(self.first.frame.image, image.frame.image)
        solution, _ = two_view(a, b, image.frame.calibration.matrix, _START_PARALLAX)
        if solution is not None:
            solution, self.reason = _suffices(solution)
        return None if solution is None else TwoViewInitialisation(self.first, a, solution)

    def _follow(self, grey: Grey) -> None:
        """Follow from image to image for a wide basin, then against the first for no drift."""
        assert self.first is not None
        assert self._last is not None
        step, ok = track(self._last, grey, self._pixels)
        self._alive &= ok
        refined, ok = track(self.first.grey, grey, self._corners, step)
        self._alive &= ok
        self._pixels = np.where(ok[:, None], refined, step)
        self._last = grey

    def _restart(self, image: Frame, reason: str) -> None:
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


def _suffices(solution: TwoView) -> tuple[TwoView | None, str]:
    """The solution if a map can start from it, or why not."""
    sigma = solution.direction_sigma
    if sigma > _MAX_DIRECTION_SIGMA:
        return None, f"the direction of motion is known to {sigma:.1f} degrees only"
    return solution.beyond(_START_PARALLAX)


def _motion(
    solution: TwoView | None, first: Points, second: Points, K: NDArray[np.float64]
) -> NDArray[np.float64]:
    """T_second_first (4, 4), translation in median depths, from corners (M, 2) that moved little.

    Two views tell it, roughly; where the parallax is too small even for that, it is a rotation.
    """
    T = np.eye(4)
    if solution is None:
        T[:3, :3] = rotation_between(first, second, K)
        return T
    T[:] = solution.T_second_first
    T[:3, 3] /= np.median(solution.depth[solution.ok])
    return T
