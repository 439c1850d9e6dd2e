"""An earlier image whose corners are tracked into each new one: what two views start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.frontend.features.optical_flow import Points, detect_corners, track
from denseba_ros.geometry.grey import Grey
from denseba_ros.slam.initialisation.approximate_pose import ApproximatePose
from denseba_ros.slam.initialisation.coarse_rotation import coarse_rotation, rotated
from denseba_ros.slam.state.frame import Frame

# Below this ratio of the tracks of the last image, a large turn is looked for.
_FEW = 0.5


class ReferenceView:
    """``image`` with its ``corners`` (M, 2) in pixels and its own ``pose``."""

    def __init__(self, image: Frame, pose: ApproximatePose, count: int) -> None:
        """Detect up to ``count`` corners."""
        self.image = image
        self.pose = pose
        self.corners = detect_corners(image.grey, count)
        self._K = image.frame.calibration.matrix
        self._last: Grey = image.grey
        self._pixels: Points = self.corners.copy()
        self._alive: NDArray[np.bool_] = np.ones(len(self.corners), bool)

    def track(self, grey: Grey) -> None:
        """Track into the next image: from the last one for convergence, then from the reference's
        own image, so that tracks do not drift. Where that fails, from how the camera turned."""
        pixels, alive = self._tracked_from(grey, self._pixels)
        if alive.sum() < _FEW * self._alive.sum():
            R = coarse_rotation(self._last, grey, self._K)
            if R is not None:
                turned = self._tracked_from(grey, rotated(self._pixels, R, self._K))
                pixels, alive = max((pixels, alive), turned, key=lambda found: found[1].sum())
        self._pixels, self._alive = pixels, alive
        self._last = grey

    def _tracked_from(self, grey: Grey, guess: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Pixels (M, 2) in the next image from a ``guess`` of them, and which are tracked."""
        step, ok = track(self._last, grey, self._pixels, guess)
        alive = self._alive & ok
        refined, ok = track(self.image.grey, grey, self.corners, step)
        return np.where(ok[:, None], refined, step), alive & ok

    @property
    def tracked(self) -> float:
        """Ratio (0 to 1) of the corners that are tracked into the newest image."""
        return float(self._alive.mean()) if len(self._alive) else 0.0

    @property
    def matches(self) -> tuple[Points, Points]:
        """Pixels (M, 2) of the tracked corners in the reference and in the newest image."""
        return self.corners[self._alive], self._pixels[self._alive]
