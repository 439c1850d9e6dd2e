"""Pose of an image before there is a map: the rotation, and little or nothing of the translation.

Corners of two images give their rotation also where the camera only turned. What its translation
moved them by (parallax) remains as a residual of the rotation, and bounds the errors of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.geometry import se3

Doubles = NDArray[np.float64]

# Least standard deviation of a rotation from corners, radians: the correlated errors of flow.
_MIN_ROTATION_SIGMA = 1e-3
# Standard deviations over the median parallax: of the rotation, and of the translation in median
# depths. Half of a drive's parallax lies below a third of that of its near half; a rotation takes
# up most of a motion to the side, and leaves a fifth of it.
_ROTATION_PER_PARALLAX, _TRANSLATION_PER_PARALLAX = 2.0, 3.0
# Standard deviations of the motion to an image that shows none of the corners: radians, and median
# depths. How fast the camera turned is not known.
_UNKNOWN_ROTATION, _UNKNOWN_TRANSLATION = 0.5, 0.3


@dataclass(frozen=True)
class ApproximatePose:
    """``T`` (4, 4) float64 T_camera_world with standard deviations about each axis:
    ``rotation_sigma`` in radians, ``translation_sigma`` in median depths. ``is_measured``: corners
    gave its rotation; otherwise it is a prediction."""

    T: Tensor
    rotation_sigma: float = 0.0
    translation_sigma: float = 0.0
    is_measured: bool = True

    def moved(self, T_now_this: Doubles, parallax: float, median_depth: float) -> ApproximatePose:
        """The pose of a later image, from a measured motion (4, 4) with translation in median
        depths; ``parallax``: median angle in radians that its rotation leaves between corners.

        The deviations add up: what parallax does to a rotation has the same sign for long.
        """
        T = torch.from_numpy(T_now_this.copy())
        T[:3, 3] *= median_depth
        return ApproximatePose(
            se3.orthonormalised(T.to(self.T.device) @ self.T),
            self.rotation_sigma + _MIN_ROTATION_SIGMA + _ROTATION_PER_PARALLAX * parallax,
            self.translation_sigma + _TRANSLATION_PER_PARALLAX * parallax,
        )

    def predicted(self, T: Tensor) -> ApproximatePose:
        """A later image whose motion was not measured, at the prediction ``T`` (4, 4).

        The deviations add up, too, as in a steady turn.
        """
        return ApproximatePose(
            T,
            self.rotation_sigma + _UNKNOWN_ROTATION,
            self.translation_sigma + _UNKNOWN_TRANSLATION,
            is_measured=False,
        )

    def covariance(self, median_depth: float) -> Tensor:
        """Covariance (6, 6) float64 of translation and rotation along the camera's axes."""
        deviations = [self.translation_sigma * median_depth] * 3 + [self.rotation_sigma] * 3
        return torch.diag(torch.tensor(deviations, dtype=torch.float64) ** 2)


UNMOVED = ApproximatePose(torch.eye(4, dtype=torch.float64))
"""Where the last measured pose was."""
