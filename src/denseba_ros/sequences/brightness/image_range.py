"""From 16 bits to 8: which values of a camera become black and white, and stay so.

Few cameras use all 16 bits: 12 significant bits are usual, and a thermal camera of 14 bits shows a
room within some hundred values. Dividing by 257 leaves a few grey levels of such images.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from denseba_ros.errors import ConfigurationError

_log = logging.getLogger(__name__)

AUTO = "auto"
_LARGEST = 65535
_LUT_SIZE = _LARGEST + 1
# One pixel in so many per axis is looked at.
_STRIDE = 4
_LOW_PERCENT, _HIGH_PERCENT, _MOST_PERCENT = 0.5, 99.5, 99.9
# Content that spans this share of its significant bits needs no other range than these.
_FILLED = 0.25
# Room beyond the content on each side, as a share of its span; the smallest range, in values.
_MARGIN, _SMALLEST_RANGE = 1.0 / 3.0, 128
# With a smaller span the image shows nothing from which a range could be taken.
_FLAT = 16
# A range is widened when more than this share of the pixels lies outside.
_OUTSIDE = 0.01


def parse_image_range(text: str) -> tuple[int, int] | None:
    """``auto`` as None, a number of significant bits, or ``LOW,HIGH`` as (low, high).

    Raises:
        ConfigurationError: when it is none of these.
    """
    if text.strip() == AUTO:
        return None
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1 and 8 <= numbers[0] <= 16:
        return 0, (1 << numbers[0]) - 1
    if len(numbers) == 2 and 0 <= numbers[0] < numbers[1] <= _LARGEST:
        return numbers[0], numbers[1]
    raise ConfigurationError(
        f"image range {text!r}: write auto, the number of significant bits (8 to 16), or LOW,HIGH "
        f"(0 to {_LARGEST})"
    )


class ImageRange:
    """Turns the 16-bit images of one camera into 8-bit ones, all by the same range of values.

    ``setting`` is what ``parse_image_range`` reads. With ``auto`` the first image decides: all its
    significant bits where it fills them, else its content with room on both sides. The range is
    then held, so that the same value keeps its brightness; it is widened only where more than one
    pixel in a hundred lies outside. ``name`` is of the camera, ``warn`` is told of it
    what was done, once for each range.

    Raises:
        ConfigurationError: when ``setting`` cannot be read.
    """

    def __init__(
        self,
        setting: str = AUTO,
        name: str = "16-bit images",
        warn: Callable[[str], object] = _log.warning,
    ) -> None:
        self._warn = warn
        self._fixed = parse_image_range(setting)
        self._name = name
        self._range = self._fixed
        self._is_held = self._fixed is not None
        self._table = None if self._fixed is None else _table(*self._fixed)

    @property
    def range(self) -> tuple[int, int] | None:
        """Values that become 0 and 255, None before the first 16-bit image."""
        return self._range

    def to_8_bit(self, image: np.ndarray) -> np.ndarray:
        """uint8 of the shape of ``image``, uint16; one that is uint8 is given back unchanged."""
        if image.dtype != np.uint16:
            return image
        if self._fixed is None:
            self._follow(image[::_STRIDE, ::_STRIDE])
        assert self._table is not None
        return np.asarray(self._table[image])

    def _follow(self, pixels: np.ndarray) -> None:
        known = pixels[(pixels > 0) & (pixels < _LARGEST)]
        # Zero and the largest value mark pixels without a measurement, where most have one.
        content = known if 4 * known.size >= pixels.size else pixels.ravel()
        if self._range is not None and self._is_held:
            low, high = self._range
            if np.mean((content < low) | (content > high)) <= _OUTSIDE:
                return
            wanted, _ = _range_of(content)
            self._set(min(low, wanted[0]), max(high, wanted[1]), ", a wider range,")
            return
        wanted, self._is_held = _range_of(content)
        if wanted != self._range:
            self._set(*wanted, "")

    def _set(self, low: int, high: int, how: str) -> None:
        self._range, self._table = (low, high), _table(low, high)
        if (low, high) != (0, _LARGEST):
            self._warn(
                f"{self._name}: values {low} to {high}{how} become black to white, and stay so "
                "(frontend.image_range sets others)"
            )


def _range_of(content: np.ndarray) -> tuple[tuple[int, int], bool]:
    """The range for pixels (N,) uint16, and whether they show enough to hold it."""
    low, high, most = np.percentile(content, [_LOW_PERCENT, _HIGH_PERCENT, _MOST_PERCENT])
    span = high - low
    if span < _FLAT:
        return (0, _LARGEST), False
    # The largest value of the significant bits; of values shifted to the left that is the largest.
    is_shifted = most > _LARGEST // 2 or not np.any(content & 0xF)
    full = _LARGEST if is_shifted else (1 << max(int(most).bit_length(), 8)) - 1
    if span >= _FILLED * full:
        return (0, full), True
    room = max(_MARGIN * span, (_SMALLEST_RANGE - span) / 2.0)
    first = max(0, int(low - room))
    last = min(_LARGEST, max(int(np.ceil(high + room)), first + _SMALLEST_RANGE))
    return (first, last), True


def _table(low: int, high: int) -> np.ndarray:
    """(65536,) uint8: the grey level of each value, rounded."""
    values = np.arange(_LUT_SIZE, dtype=np.float64)
    levels = np.rint((values - low) * (255.0 / (high - low)))
    return np.asarray(np.clip(levels, 0, 255).astype(np.uint8))
