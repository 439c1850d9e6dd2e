"""Stamps of text files in nanoseconds, whatever unit they are written in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation, Overflow
from itertools import pairwise
from pathlib import Path
from statistics import median, median_high

_log = logging.getLogger(__name__)

UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}
"""Nanoseconds of each unit."""
_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
# Seconds since 1970 have ten digits, of which no unit below has fewer than three more.
_LARGEST_SECONDS = Decimal(10) ** 11
# Between two poses or images: no camera takes one in an hour, and none two thousand in a second.
_LONGEST_STEP, _SHORTEST_STEP_NS = Decimal(3600), Decimal(500_000)
_LARGEST_NS = 2**63 - 1


def parse_number(text: str) -> Decimal:
    """A finite number.

    Raises:
        ValueError: when the text is none.
    """
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{text!r} is no finite number")
    return number


def unit_of(stamps: Sequence[Decimal]) -> str:
    """The unit that stamps are written in, a key of UNITS.

    That of the size of most of them, where they count from 1970; else, of whole numbers, that of
    the time between two of them.
    """
    steps = [b - a for a, b in pairwise(stamps) if b > a]
    step = median(steps) if steps else Decimal(0)
    usual = median_high([abs(stamp) for stamp in stamps]) if stamps else Decimal(0)
    if usual >= _LARGEST_SECONDS:
        digits = usual.adjusted() - _LARGEST_SECONDS.adjusted()
        unit = "ms" if digits < 3 else "us" if digits < 6 else "ns"
        # Nanoseconds that count from zero are as large after two minutes.
        if step * UNITS[unit] < _LONGEST_STEP * UNITS["s"]:
            return unit
    elif sum(map(_is_fraction, stamps)) > len(stamps) // 2:
        return "s"
    if step < _LONGEST_STEP:
        return "s"
    return "ns" if step >= _SHORTEST_STEP_NS else "us"


def _is_fraction(stamp: Decimal) -> bool:
    """Whether a number is no whole one, or is written to the nanosecond."""
    exponent = stamp.as_tuple().exponent
    return stamp != stamp.to_integral_value() or (isinstance(exponent, int) and exponent <= -9)


def to_nanoseconds(stamp: Decimal, unit: str) -> int:
    """A stamp in a unit of UNITS.

    Raises:
        ValueError: when it is not within 292 years of 1970.
    """
    try:
        value = int((stamp * UNITS[unit]).to_integral_value())
    except (InvalidOperation, Overflow, OverflowError) as error:
        raise ValueError(f"{stamp} {_NAMES[unit]} is no stamp") from error
    if abs(value) > _LARGEST_NS:
        raise ValueError(f"{stamp} is no stamp in {_NAMES[unit]}, which are expected here")
    return value


def say_unit(path: Path, unit: str) -> None:
    """Warn that the stamps of a file are not in seconds."""
    if unit != "s":
        text = "%s: stamps in seconds expected; these look like %s and are taken for that"
        _log.warning(text, path, _NAMES[unit])


def stamps_in_ns(text: str, path: Path) -> list[int]:
    """All stamps of a file with one a row (seconds expected) in nanoseconds.

    Raises:
        ValueError: when a row is none, as where there is a number of the image before it.
    """
    numbers = []
    for row, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if len(fields) > 1 and not line.startswith("#"):
            raise ValueError(f"row {row} is not one stamp: {line[:40]!r}")
        if fields and not line.startswith("#"):
            numbers.append(parse_number(fields[0]))
    unit = unit_of(numbers)
    say_unit(path, unit)
    return [to_nanoseconds(number, unit) for number in numbers]
