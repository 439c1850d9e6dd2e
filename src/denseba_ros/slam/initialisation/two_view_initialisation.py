"""Two-view initialisation: the first motion with enough parallax, from any of the images before.

Until there is one the camera has turned, but hardly moved: each image gets its rotation relative to
an earlier one, and the reference changes while the old one is still in view, so that nothing of a
turn is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.frontend.features.optical_flow import Points
from denseba_ros.frontend.two_view.two_view_geometry import (
    INCONSISTENT,
    UNDECIDED,
    TwoView,
    two_view,
)
from denseba_ros.frontend.two_view.two_view_rotation import residual_angle, rotation_between
from denseba_ros.geometry import se3
from denseba_ros.slam.initialisation.approximate_pose import ApproximatePose
from denseba_ros.slam.initialisation.reference_view import ReferenceView
from denseba_ros.slam.state.frame import Frame

# Median flow in pixels up to which the camera is at rest: flow has errors of this size.
_STILL_FLOW = 0.2
# Least parallax for a new map: so many times the error of a corner (pixels), at most so many
# degrees. That for an estimate of the translation, degrees.
_PARALLAX_PER_ERROR, _CORNER_PIXELS, _MAX_PARALLAX = 20.0, 0.3, 1.0
_TRANSLATION_PARALLAX = 0.1
# Two views are worth trying from this share of the parallax on (of the median corner).
_WORTH_TRYING = 0.2
# Largest standard deviation of the direction of translation in degrees for a new map: beyond it,
# correlated errors of the flow give a wrong motion.
_MAX_DIRECTION_SIGMA = 2.0
# Median residual in pixels up to which a rotation alone explains the corners.
_ROTATION_EXPLAINS = 1.0
# Least number of corners in a reference.
_MIN_CORNERS = 30
# Below the first ratio of tracked corners another reference is taken beside; below the second the
# old one is dropped.
_ENOUGH_TRACKED, _MIN_TRACKED = 0.7, 0.35
_REFERENCES = 3
# After so many ambiguous images (two motions explain them alike, as over a plane), the better
# motion is taken.
_MAX_AMBIGUOUS = 30
_NO_PARALLAX = "only the rotation is known: waiting for the camera to move sideways"

# Pixels (M, 2) of the same points in two images (1, 1, H, W) with a wide baseline.
WideMatcher = Callable[[Tensor, Tensor], tuple[Points, Points]]


@dataclass(frozen=True)
class TwoViewInitialisation:
    """The first of two images, ``T_first`` (4, 4) its T_camera_world, their relative pose
    ``solution``, and its ``corners`` (M, 2) in pixels, to which the solution's depths belong."""

    first: Frame
    T_first: Tensor
    corners: Points
    solution: TwoView


class TwoViewInitialiser:
    """Takes images until two of them have enough parallax.

    ``pose`` of the newest image; None before the first. ``reason`` tells why there is no result.
    """

    def __init__(self, corners: int, matcher: WideMatcher | None = None) -> None:
        """Track up to ``corners``; where flow loses them, ``matcher`` is tried."""
        self._count = corners
        self._matcher = matcher
        self._views: list[ReferenceView] = []
        self.pose: ApproximatePose | None = None
        self.reason = "the first image"
        self._ambiguous = 0

    def process(
        self, image: Frame, T: Tensor, median_depth: float, is_tracked: bool = False
    ) -> TwoViewInitialisation | None:
        """Take the next image; returns the two views once they suffice, else sets ``reason``.

        Args:
            image: the frame.
            T: T_camera_world (4, 4) float64, a prediction.
            median_depth: of the scene, the unit of approximate translations.
            is_tracked: ``T`` was measured against a map.
        """
        for view in self._views:
            view.track(image.grey)
        kept = [view for view in self._views if view.tracked >= _MIN_TRACKED]
        found = self._first_sufficient(kept, image, T if is_tracked else None)
        if found is None and self._views and not kept:
            found = self._match_wide(self._views[0], image)
        self._views = kept
        if is_tracked or self.pose is None:
            self.pose = ApproximatePose(T)
        else:
            self.pose = self._measured_pose(image, median_depth) or self.pose.predicted(T)
        if found is None:
            self._refer_to(image, self.pose)
        return found

    def _first_sufficient(
        self, views: list[ReferenceView], image: Frame, T: Tensor | None
    ) -> TwoViewInitialisation | None:
        """Two views with the oldest reference that suffices; ``T`` (4, 4) T_camera_world as far as
        a map says."""
        K = image.frame.calibration.matrix
        needed = _needed_parallax(K)
        for view in views:
            a, b = view.matches
            parallax = residual_angle(a, b, rotation_between(a, b, K), K)
            if np.degrees(parallax) < _WORTH_TRYING * needed:
                self.reason = _NO_PARALLAX
                continue
            direction = None if T is None else (T @ se3.inverse(view.pose.T))[:3, 3].cpu().numpy()
            decide = self._ambiguous >= _MAX_AMBIGUOUS
            solution, self.reason = two_view(
                a, b, K, _TRANSLATION_PARALLAX, decide=decide, expected=direction
            )
            self._ambiguous += self.reason == UNDECIDED
            if solution is not None:
                solution, self.reason = _checked(solution, needed)
            if solution is not None:
                return TwoViewInitialisation(view.image, view.pose.T, a, solution)
        return None

    def _match_wide(self, view: ReferenceView, image: Frame) -> TwoViewInitialisation | None:
        """Two views from learned matches with a reference."""
        self.reason = "too few corners could be tracked from the image before"
        if self._matcher is None:
            return None
        K = image.frame.calibration.matrix
        a, b = self._matcher(view.image.frame.image, image.frame.image)
        solution, _ = two_view(a, b, K, _needed_parallax(K))
        if solution is not None:
            solution, self.reason = _checked(solution, _needed_parallax(K))
        if solution is None:
            return None
        return TwoViewInitialisation(view.image, view.pose.T, a, solution)

    def _measured_pose(self, image: Frame, median_depth: float) -> ApproximatePose | None:
        """The pose relative to the oldest reference that shows enough; None without one."""
        for view in self._views:
            a, b = view.matches
            if len(a) < _MIN_CORNERS:
                continue
            K = image.frame.calibration.matrix
            motion = _motion(a, b, K)
            if motion is not None:
                return view.pose.moved(*motion, median_depth)
        return None

    def _refer_to(self, image: Frame, pose: ApproximatePose) -> None:
        """Make ``image`` a reference, too, where the newest one leaves the view."""
        if self._views and self._views[-1].tracked >= _ENOUGH_TRACKED:
            return
        view = ReferenceView(image, pose, self._count)
        if len(view.corners) >= _MIN_CORNERS:
            self._views = [*self._views, view][-_REFERENCES:]
        elif not self._views:
            few = f"only {len(view.corners)}" if len(view.corners) else "no"
            self.reason = f"the image shows {few} corners"


def _needed_parallax(K: NDArray[np.float64]) -> float:
    """Least parallax in degrees for a new map, with the camera matrix ``K`` (3, 3)."""
    error = _CORNER_PIXELS / float(K[0, 0])
    return float(min(np.degrees(_PARALLAX_PER_ERROR * error), _MAX_PARALLAX))


def _checked(solution: TwoView, min_parallax: float) -> tuple[TwoView | None, str]:
    """The solution if it suffices for a new map, else None and the reason."""
    sigma = solution.direction_sigma
    if sigma > _MAX_DIRECTION_SIGMA:
        return None, f"the direction of motion is known to {sigma:.1f} degrees only"
    return solution.beyond(min_parallax)


def _motion(
    first: Points, second: Points, K: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float] | None:
    """T_second_first (4, 4) from corners (M, 2) that moved little, with the translation in median
    depths, and the median angle in radians that its rotation leaves.

    From two views, if their parallax suffices for an approximate translation, else a rotation.
    None where no motion explains the corners, as in noise.
    """
    T = np.eye(4)
    if float(np.median(np.linalg.norm(second - first, axis=1))) <= _STILL_FLOW:
        return T, 0.0
    T[:3, :3] = rotation_between(first, second, K)
    parallax = residual_angle(first, second, T[:3, :3], K)
    # Where a rotation explains the corners, two views would fit their errors.
    if parallax * K[0, 0] < _ROTATION_EXPLAINS:
        return T, parallax
    solution, reason = two_view(first, second, K, _TRANSLATION_PARALLAX)
    if reason == INCONSISTENT:
        return None
    if solution is not None:
        T[:] = solution.T_second_first
        T[:3, 3] /= np.median(solution.depth[solution.ok])
    return T, residual_angle(first, second, T[:3, :3], K)
