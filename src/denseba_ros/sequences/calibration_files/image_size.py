"""The image size that a calibration file states."""

from __future__ import annotations

from collections.abc import Mapping

from denseba_ros.errors import CalibrationError
from denseba_ros.sequences.calibration_files.calibration_text import Document
from denseba_ros.sequences.calibration_files.fields import first_key, numbers, whole

_PAIRS = (
    "image_size",
    "resolution",
    "image_dimension",
    "img_size",
    "frame_size",
    "image_shape",
    "size",
)
_WIDTH = ("image_width", "width", "w", "cols", "img_width", "Camera.width")
_HEIGHT = ("image_height", "height", "h", "rows", "img_height", "Camera.height")


def stated_size(document: Document, otherwise: tuple[int, int]) -> tuple[int, int]:
    """(width, height) as the document has them, ``otherwise`` if it states none.

    Raises:
        CalibrationError: when one of them is missing or no whole number.
    """
    width, height = first_key(document, _WIDTH), first_key(document, _HEIGHT)
    if width is not None and height is not None:
        return whole(document[width], width), whole(document[height], height)
    pair = first_key(document, _PAIRS)
    if pair is not None:
        value = document[pair]
        if isinstance(value, Mapping) and "data" not in value:
            return stated_size(value, otherwise)
        sides = [whole(v, pair) for v in numbers(value, pair)]
        if sides == sides[:2] * (len(sides) // 2):
            # Basalt has one pair for each camera.
            sides = sides[:2]
        if len(sides) != 2:
            raise CalibrationError(f"{pair} is not width and height")
        # numpy's shape is (height, width).
        return (sides[1], sides[0]) if "shape" in pair else (sides[0], sides[1])
    if (width is None) != (height is None):
        raise CalibrationError("it states only one side of the image")
    return otherwise
