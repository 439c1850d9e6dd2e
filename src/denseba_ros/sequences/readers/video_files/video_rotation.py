"""Videos that say they are to be turned, as those of phones held upright."""

from __future__ import annotations

import logging
from pathlib import Path

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    Uncalibrated,
    check_size,
    given_calibration,
)

_log = logging.getLogger(__name__)


def fit_to_rotation(
    source: CalibrationSource, path: Path, size: tuple[int, int], degrees: int
) -> tuple[Calibration, bool]:
    """The calibration of a video with a rotation tag, and whether its images are to be turned.

    They are left as the sensor recorded them, (width, height) ``size``, wherever the calibration
    fits that, and are turned where it only fits the turned image. One without a size belongs to
    the image whose centre is nearer to its principal point.

    Raises:
        CalibrationError: when it cannot be read, or fits neither.
    """
    turned_size = (size[1], size[0]) if degrees % 180 else size
    as_recorded = given_calibration(source, size)
    as_turned = given_calibration(source, turned_size)
    if as_recorded is None or as_turned is None:
        raise CalibrationError(f"{path}: has no calibration")
    if isinstance(source, Uncalibrated):
        return as_recorded, False
    states_size = (as_recorded.width, as_recorded.height) == (as_turned.width, as_turned.height)
    if states_size:
        turned = turned_size != size and (as_turned.width, as_turned.height) == turned_size
    else:
        turned = _off_centre(as_turned) < _off_centre(as_recorded)
    calibration = as_turned if turned else as_recorded
    check_size(calibration, turned_size if turned else size, str(path))
    _log.warning(
        "%s: has a rotation of %d degrees: its images are %s, as the calibration is for %dx%d",
        path,
        degrees,
        "turned" if turned else "not turned",
        calibration.width,
        calibration.height,
    )
    return calibration, turned


def _off_centre(calibration: Calibration) -> float:
    """Distance of the principal point from the centre, in parts of the image."""
    across = calibration.cx / calibration.width - 0.5
    down = calibration.cy / calibration.height - 0.5
    return abs(across) + abs(down)
