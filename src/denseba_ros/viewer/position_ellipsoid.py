"""The covariance of a position as an ellipsoid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

# Half axes in standard deviations, for 95 % of the probability in three dimensions.
_DEVIATIONS = math.sqrt(chi2.ppf(0.95, 3))


@dataclass(frozen=True)
class Ellipsoid:
    """``half_axes`` (3,) in metres, along x, y and z turned by ``quaternion`` (4,) xyzw."""

    half_axes: np.ndarray
    quaternion: np.ndarray


def position_ellipsoid(covariance: np.ndarray) -> Ellipsoid:
    """Holds the true position with 95 %; ``covariance`` (6, 6) or (3, 3), the position first."""
    variances, axes = np.linalg.eigh(covariance[:3, :3])
    axes[:, 0] *= np.sign(np.linalg.det(axes))
    half_axes = _DEVIATIONS * np.sqrt(np.maximum(variances, 0.0))
    return Ellipsoid(half_axes, Rotation.from_matrix(axes).as_quat())
