"""All checks of one recording."""

from __future__ import annotations

from collections.abc import Callable

from denseba_ros.doctor.check import Check
from denseba_ros.doctor.recording.calibration_check import check_calibration
from denseba_ros.doctor.recording.motion_checks import check_motion, check_parallax
from denseba_ros.doctor.recording.picture_checks import check_blur, check_exposure
from denseba_ros.doctor.recording.stamp_checks import check_gaps, check_images, check_stamps
from denseba_ros.doctor.recording.survey import Survey, survey
from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.sequences.calibration_files.calibration_source import (
    CalibrationSource,
    Uncalibrated,
)
from denseba_ros.sequences.sequence import Sequence

_OF_IMAGES: tuple[Callable[[Survey], Check], ...] = (
    check_stamps,
    check_gaps,
    check_exposure,
    check_blur,
    check_motion,
    check_parallax,
)


def examine(open_with: Callable[[CalibrationSource], Sequence], name: str) -> list[Check]:
    """Every check of a recording called ``name``; ``open_with`` opens it with a calibration, its
    own where that is None.

    Raises:
        SequenceError: when it cannot be opened.
    """
    calibration: Calibration | None = None
    error = ""
    try:
        sequence = open_with(None)
        calibration = sequence.calibration
    except CalibrationError as problem:
        error = str(problem)
        sequence = open_with(Uncalibrated())
    seen = survey(sequence)
    checks = [check_images(seen)]
    if len(seen.stamps_ns):
        checks += [check(seen) for check in _OF_IMAGES]
    return [*checks, check_calibration(calibration, error, name)]
