"""The text of ``--intrinsics``: a camera in one line."""

from __future__ import annotations

import re

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.distortion_names import distortion
from denseba_ros.sequences.camera_info import positive_fy

_COUNTS = (4, 8, 9, 12, 16, 18)
# Numbers between ";" or blanks, with a decimal comma.
_DECIMAL_COMMAS = re.compile(r"\s*-?\d+,\d+(\s*[;\s]\s*-?\d+,\d+){3,}[;\s]*")
FORM = "fx,fy,cx,cy[,k1,k2,p1,p2[,k3[,k4,k5,k6]]]"


def parse_intrinsics(text: str, width: int, height: int) -> Calibration:
    """``fx,fy,cx,cy[,k1,k2,p1,p2[,k3[,k4,k5,k6]]]`` in pixels for a width x height image.

    Raises:
        CalibrationError: when it is not 4, 8, 9 or 12 numbers (16 and 18 with OpenCV's thin prism
            and tilt), or they are no valid camera.
    """
    check_decimal_points(text)
    words = text.replace(",", " ").replace(";", " ").split()
    shown = text.strip() if len(text) <= 60 else f"{text.strip()[:60]}..."
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise CalibrationError(
            f"intrinsics {shown!r}: neither a file that is there nor {FORM}"
        ) from error
    if len(values) not in _COUNTS:
        raise CalibrationError(f"intrinsics {shown!r}: expected {FORM}, got {len(values)} numbers")
    model, coefficients = distortion("plumb_bob", values[4:])
    fx, fy, cx, cy = values[:4]
    return Calibration(width, height, fx, positive_fy(fy), cx, cy, model, coefficients)


def check_decimal_points(text: str) -> None:
    """Refuse ``262,5;262,5;159,5;119,5``, which would be eight numbers.

    Raises:
        CalibrationError: when it has decimal commas.
    """
    if _DECIMAL_COMMAS.fullmatch(text):
        shown = text.split(",", 2)
        raise CalibrationError(
            f"intrinsics {text.strip()[:60]!r}: write numbers with a point, as "
            f"{shown[0].strip()}.{shown[1][:1]}, and commas between them"
        )
