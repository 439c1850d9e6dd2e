"""What a run says of itself in the map, and whether its camera is the map's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from denseba_ros.errors import CalibrationError, MapFileError
from denseba_ros.geometry.calibration import Calibration

# Calibrations of one camera that were written with six digits are the same.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-6


@dataclass(frozen=True)
class Session:
    """One run.

    Attributes:
        number: from 0.
        begun_ns: time of the wall clock when it began.
        version: of denseba.
        calibration: the undistorted pinhole camera of the keyframes' images, level 0.
        parameters: the configuration it ran with, as text.
    """

    number: int
    begun_ns: int
    version: str
    calibration: Calibration
    parameters: str


def calibration_to_text(calibration: Calibration) -> str:
    """JSON with the fields of ``Calibration``."""
    return json.dumps(asdict(calibration))


def calibration_from_text(text: str) -> Calibration:
    """What ``calibration_to_text`` wrote.

    Raises:
        MapFileError: when it is none.
    """
    try:
        fields = json.loads(text)
        return Calibration(**{**fields, "coefficients": tuple(fields["coefficients"])})
    except (ValueError, TypeError, KeyError, CalibrationError) as error:
        raise MapFileError(f"the calibration in the map cannot be read: {error}") from error


def check_same_camera(of_map: Calibration, given: Calibration) -> None:
    """Refuse to go on with another camera: points and images of the map would not fit.

    Raises:
        MapFileError: when the two differ; it names both.
    """
    same_kind = of_map.model == given.model and len(of_map.coefficients) == len(given.coefficients)
    if not same_kind or not np.allclose(_numbers(of_map), _numbers(given), _RELATIVE, _ABSOLUTE):
        raise MapFileError(
            f"the map was made with another camera: {in_words(of_map)}; this one is "
            f"{in_words(given)}. Use the map's camera and image size, or another map"
        )


def in_words(calibration: Calibration) -> str:
    """Size, intrinsics and distortion in one line."""
    c = calibration
    lens = "" if not c.is_distorted else f", {c.model} {' '.join(f'{k:g}' for k in c.coefficients)}"
    return f"{c.width}x{c.height}, fx {c.fx:g}, fy {c.fy:g}, cx {c.cx:g}, cy {c.cy:g}{lens}"


def _numbers(c: Calibration) -> tuple[float, ...]:
    return (c.width, c.height, c.fx, c.fy, c.cx, c.cy, *c.coefficients)
