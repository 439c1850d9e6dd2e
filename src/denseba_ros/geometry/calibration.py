"""What camera_info says of a camera: size, intrinsics and lens distortion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from denseba_ros.errors import CalibrationError

DistortionModel = Literal["none", "plumb_bob", "rational_polynomial", "equidistant"]

# Coefficient counts that OpenCV and sensor_msgs/CameraInfo accept for each model.
_COEFFICIENT_COUNTS: dict[str, tuple[int, ...]] = {
    "none": (0,),
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
}


@dataclass(frozen=True)
class Calibration:
    """Pinhole intrinsics in pixels, centre of the top-left pixel at (0, 0), plus distortion.

    ``coefficients`` are in OpenCV's order: plumb_bob (k1, k2, p1, p2[, k3]),
    rational_polynomial (k1, k2, p1, p2, k3, k4, k5, k6[, s1, s2, s3, s4[, tx, ty]]) with thin prism
    and tilt, equidistant (k1, k2, k3, k4).

    Raises:
        CalibrationError: on a size or focal length that is not positive, a value that is not
            finite, an unknown model or a wrong number of coefficients.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    model: DistortionModel = "none"
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise CalibrationError(f"image size {self.width}x{self.height} is not positive")
        values = (self.fx, self.fy, self.cx, self.cy, *self.coefficients)
        if not np.all(np.isfinite(values)):
            raise CalibrationError(f"calibration holds values that are not finite: {values}")
        if self.fx <= 0 or self.fy <= 0:
            raise CalibrationError(
                f"focal length ({self.fx}, {self.fy}) is not positive: the camera is uncalibrated"
            )
        if self.model not in get_args(DistortionModel):
            raise CalibrationError(
                f"unknown distortion model {self.model!r}; known: {get_args(DistortionModel)}"
            )
        counts = _COEFFICIENT_COUNTS[self.model]
        if len(self.coefficients) not in counts:
            raise CalibrationError(
                f"{self.model} takes {counts} coefficients, got {len(self.coefficients)}"
            )

    @property
    def matrix(self) -> np.ndarray:
        """Camera matrix K, (3, 3) float64."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def is_distorted(self) -> bool:
        """Whether pixels differ from a pinhole's: an equidistant lens's do without coefficients."""
        return self.model == "equidistant" or any(c != 0.0 for c in self.coefficients)

    def resized(self, width: int, height: int) -> Calibration:
        """The calibration of the same image resampled to ``width`` x ``height``."""
        sx, sy = width / self.width, height / self.height
        return Calibration(
            width=width,
            height=height,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            model=self.model,
            coefficients=self.coefficients,
        )
