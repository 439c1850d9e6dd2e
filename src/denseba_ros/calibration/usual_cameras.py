"""What is known of a camera before it has seen anything: how far most cameras are from a plain one.

These are the prior of the adjustment. Where the images say nothing, a parameter keeps its usual
value and this deviation, which is how one sees that they said nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from denseba_ros.calibration.structure import Floats
from denseba_ros.geometry.calibration import DistortionModel

# Deviations. Of the principal point as a share of the longer side; of fy / fx; of the distortion.
_CENTRE, _ASPECT = 0.02, 0.001
_K1 = 0.3
_DISTORTION = {"plumb_bob": (_K1, 0.2, 0.0005, 0.0005), "equidistant": (0.1, 0.1, 0.1, 0.1)}

# Focal length of a plain camera, and those of most, in longer sides of the image; the distortion
# that few have, in deviations.
_PLAIN, _LEAST, _MOST = 0.8, 0.35, 1.7
_STRONG = 2.0


@dataclass(frozen=True)
class UsualCamera:
    """The prior of one camera (8,): rows @ camera is ``value`` (7,), with ``deviation`` (7,).

    Nothing is said of the focal length: only of fy - fx, cx, cy and the distortion.
    """

    rows: Floats
    value: Floats
    deviation: Floats

    def information(self) -> Floats:
        """Inverse covariance (8, 8); that of the focal length is zero."""
        weighted = self.rows / self.deviation[:, None]
        information: Floats = weighted.T @ weighted
        return information

    def strengthened(self, factor: float) -> UsualCamera:
        """The same with deviations so many times smaller."""
        return replace(self, deviation=self.deviation / factor)

    def gradient(self, camera: Floats) -> Floats:
        """Of half the squared error in deviations, by the camera: (8,)."""
        error = (self.rows @ camera - self.value) / self.deviation**2
        gradient: Floats = self.rows.T @ error
        return gradient

    def cost(self, camera: Floats) -> float:
        """Half of the squared error in deviations."""
        return 0.5 * float(np.sum(((self.rows @ camera - self.value) / self.deviation) ** 2))


def usual_camera(model: DistortionModel, size: tuple[int, int], focal: float) -> UsualCamera:
    """The prior of a camera with images of ``size`` (width, height) and about this focal length."""
    rows = np.zeros((7, 8))
    rows[0, :2] = -1.0, 1.0
    rows[range(1, 7), range(2, 8)] = 1.0
    centre = [0.5 * (side - 1) for side in size]
    value = np.array([0.0, *centre, 0.0, 0.0, 0.0, 0.0])
    spread = _CENTRE * max(size)
    deviation = np.array([_ASPECT * focal, spread, spread, *_DISTORTION[model]])
    return UsualCamera(rows, value, deviation)


def plain_camera(size: tuple[int, int]) -> Floats:
    """A camera (8,) of a usual focal length for images of ``size``, without distortion."""
    focal = _PLAIN * max(size)
    return np.array([focal, focal, 0.5 * (size[0] - 1), 0.5 * (size[1] - 1), 0.0, 0.0, 0.0, 0.0])


def is_unusual(camera: Floats, size: tuple[int, int]) -> bool:
    """Whether few cameras have such a focal length, or so strong a distortion k1."""
    focal = float(camera[0]) / max(size)
    return not _LEAST <= focal <= _MOST or abs(float(camera[4])) > _STRONG * _K1
