"""Stamps that are the names of the images, as recorders write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median

# Seconds with a fraction; seconds and nanoseconds; whole numbers of one unit, told by their size.
_FRACTION = re.compile(r"(?:.*[A-Za-z][_-])?(-?\d+\.\d+)")
_TWO_PARTS = re.compile(r"(?:.*\D)?(\d{10})[_-](\d{9})")
_WHOLE = re.compile(r"(?:.*\D)?([1-9]\d+)")
_UNIT_NS = {19: 1, 16: 1_000, 13: 1_000_000}
_SECOND = 1_000_000_000
# Names of which most are stamps are stamps; the rest are other files.
_MOST = 0.9
# Times between images that a camera has.
_SHORTEST_NS, _LONGEST_NS = _SECOND // 2000, 100 * _SECOND


def name_stamps(paths: Sequence[Path]) -> dict[Path, int] | None:
    """The stamp of each image whose name is one, in order of time; None if most names are not.

    Nanoseconds, microseconds and milliseconds are taken by the number of digits that a date since
    2001 has; ``12.345678`` is seconds.
    """
    stamps = {path: stamp for path in paths if (stamp := _stamp(path.stem)) is not None}
    if len(stamps) < 2 or len(stamps) < _MOST * len(paths):
        return None
    ordered = dict(sorted(stamps.items(), key=lambda entry: entry[1]))
    times = list(dict.fromkeys(ordered.values()))
    if len(times) < 2:
        return None
    period = median(after - before for before, after in pairwise(times))
    return ordered if _SHORTEST_NS <= period <= _LONGEST_NS else None


def _stamp(stem: str) -> int | None:
    if match := _FRACTION.fullmatch(stem):
        return int(Decimal(match[1]) * _SECOND)
    if match := _TWO_PARTS.fullmatch(stem):
        return int(match[1]) * _SECOND + int(match[2])
    match = _WHOLE.fullmatch(stem)
    if match is not None and len(match[1]) in _UNIT_NS:
        return int(match[1]) * _UNIT_NS[len(match[1])]
    return None
