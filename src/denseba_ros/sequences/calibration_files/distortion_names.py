"""Distortion models under the many names that drivers and calibration tools give them."""

from __future__ import annotations

from collections.abc import Sequence as Numbers

from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import DistortionModel

# Compared without case, blanks, "-" and "_". How many of OpenCV's coefficients there are says
# which of its models it is: drivers write plumb_bob with 8 and rational_polynomial with 5 or 14.
_OPENCV = frozenset(
    {
        "plumbbob",
        "radialtangential",
        "radtan",
        "rationalpolynomial",
        "rational",
        "brownconrady",
        "brown",
        "opencv",
        "fullopencv",
        "pinhole",
        "pinholefull",
        "pinholeradtan8",
        "perspective",
        "radial",
        "thinprism",
        "tilted",
        "standard",
    }
)
_EQUIDISTANT = frozenset(
    {
        "equidistant",
        "equi",
        "fisheye",
        "opencvfisheye",
        "kannalabrandt",
        "kannalabrandt4",
        "kannalabrandt8",
        "kb",
        "kb4",
        "kb8",
    }
)
_UNUSABLE = {
    "fov": "field-of-view (FOV, ATAN)",
    "atan": "field-of-view (FOV, ATAN)",
    "arctan": "field-of-view (FOV, ATAN)",
    "omni": "omnidirectional (MEI)",
    "mei": "omnidirectional (MEI)",
    "unified": "omnidirectional (MEI)",
    "ds": "double-sphere",
    "doublesphere": "double-sphere",
    "eucm": "extended unified (EUCM)",
    "ucm": "unified (UCM)",
    "scaramuzza": "polynomial omnidirectional (Scaramuzza)",
    "ocam": "polynomial omnidirectional (Scaramuzza)",
    "ftheta": "f-theta polynomial",
    "thinprismfisheye": "thin-prism fisheye",
    "radtanthinprismfisheye": "radial-tangential thin-prism fisheye",
    "fisheyeradtanthinprism": "radial-tangential thin-prism fisheye",
    "fisheye624": "radial-tangential thin-prism fisheye",
    "division": "division",
    "simpledivision": "division",
    "inversebrownconrady": "inverse Brown-Conrady",
    "modifiedbrownconrady": "modified Brown-Conrady",
}
_OPENCV_COUNTS = (5, 8, 12, 14)
USABLE = (
    "usable are pinhole cameras with OpenCV's distortion of 4, 5, 8, 12 or 14 coefficients "
    "(plumb_bob, rational_polynomial) or Kannala-Brandt's of 4 (equidistant)"
)


def distortion(model: str, d: Numbers[float]) -> tuple[DistortionModel, tuple[float, ...]]:
    """The ``Calibration.model`` of a distortion model's name in any tool, and its coefficients.

    "none" without coefficients, or where OpenCV's are all zero; an equidistant lens whose
    coefficients are zero is still no pinhole. Zeros beyond the model's count are dropped.

    Raises:
        CalibrationError: when the model is unknown or cannot be used, or the count does not fit.
    """
    values = tuple(float(c) for c in d)
    name = _plain(model)
    if name in _EQUIDISTANT and values:
        return "equidistant", _equidistant_coefficients(values)
    if not any(values):
        return "none", ()
    if name in _OPENCV:
        return _opencv_model(values)
    raise unusable_distortion(model, len(values))


def unusable_distortion(model: str, parameters: int) -> CalibrationError:
    """The error that names a distortion model, or camera model, which cannot be used."""
    label = _UNUSABLE.get(_plain(model))
    if label is None:
        shown = model.strip()[:40]
        what = f"unknown distortion model {shown!r}" if shown else "distortion without a model"
        return CalibrationError(f"{what} of {parameters} parameters; {USABLE}")
    counted = f"{parameters} parameter" + ("" if parameters == 1 else "s")
    article = "an" if label[0].lower() in "aeiou" else "a"
    return CalibrationError(f"this is {article} {label} calibration of {counted}; {USABLE}")


def _plain(model: str) -> str:
    name = "".join(c for c in model.lower() if c.isalnum())
    for beginning in ("rs2", "distortion"):
        name = name.removeprefix(beginning)
    for ending in ("distortion", "model", "camera"):
        name = name.removesuffix(ending)
    return name


def _opencv_model(values: tuple[float, ...]) -> tuple[DistortionModel, tuple[float, ...]]:
    significant = max(i for i, value in enumerate(values, start=1) if value != 0.0)
    count = len(values)
    if count < 4 or significant > _OPENCV_COUNTS[-1]:
        raise CalibrationError(f"{count} coefficients of distortion are not OpenCV's; {USABLE}")
    if count > 4:
        count = min(n for n in _OPENCV_COUNTS if n >= significant)
    values = (values + (0.0,) * count)[:count]
    return ("plumb_bob" if count <= 5 else "rational_polynomial"), values


def _equidistant_coefficients(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) == 6 and not any(values[2:4]):
        # rtabmap writes k1, k2, 0, 0, k3, k4.
        values = values[:2] + values[4:]
    if len(values) < 4 or any(values[4:]):
        raise CalibrationError(
            f"an equidistant (Kannala-Brandt) lens takes 4 coefficients, got {len(values)}"
        )
    return values[:4]
