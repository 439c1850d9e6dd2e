"""Stamps and missing images of a recording."""

from __future__ import annotations

import numpy as np

from denseba_ros.doctor.check import Check
from denseba_ros.doctor.recording.survey import Survey
from denseba_ros.sequences.stamps.frame_drops import drops_in_words, is_much
from denseba_ros.sequences.stamps.stamp_rule import Verdict

# Stamps that a reader does not believe.
_STAMPS = frozenset(
    verdict.value
    for verdict in (Verdict.DUPLICATE, Verdict.LATE, Verdict.BACK, Verdict.LEAP, Verdict.NO_STAMP)
)
# An interval is a gap from so many usual ones on, and long from so many seconds on.
_GAP, _LONG = 1.7, 0.5
# Of the usual interval: how much the middle 90 % may vary. Below the second rate images are too
# far apart.
_JITTER, _SLOW = 0.25, 5.0
_LOST = 0.05


def check_images(survey: Survey) -> Check:
    """Whether all images can be used."""
    drops = {reason: n for reason, n in survey.drops.items() if reason not in _STAMPS}
    text = drops_in_words(drops, survey.expected) or f"all {survey.expected} images can be read"
    if not len(survey.stamps_ns):
        return Check("images", "FAIL", text, "record again, or copy the recording again")
    if is_much(drops, survey.expected):
        return Check(
            "images", "FAIL", text, "copy the recording again, or repair the camera's link"
        )
    if drops:
        return Check("images", "WARN", text, "the rest is used without them")
    return Check("images", "OK", text)


def check_stamps(survey: Survey) -> Check:
    """Whether stamps rise evenly."""
    refused = {reason: n for reason, n in survey.drops.items() if reason in _STAMPS}
    if is_much(refused, survey.expected):
        text = drops_in_words(refused, survey.expected)
        remedy = "let the driver stamp images with one clock that is never set back"
        return Check("stamps", "FAIL", text, remedy)
    intervals = np.diff(survey.stamps_ns) * 1e-9
    if not len(intervals):
        return Check("stamps", "WARN", "fewer than two images have a stamp")
    usual = float(np.median(intervals))
    text = f"{1.0 / usual:.1f} Hz over {intervals.sum():.1f} s"
    if refused:
        text = f"{text}; {drops_in_words(refused, survey.expected)}"
    low, high = np.percentile(intervals[intervals < _GAP * usual], [5.0, 95.0])
    spread = float(high - low)
    text = f"{text}; intervals of {1e3 * usual:.1f} ms vary by {1e3 * spread:.1f} ms (90 %)"
    if refused:
        return Check("stamps", "WARN", text, "look for two clocks, or for messages sent twice")
    if spread > _JITTER * usual:
        return Check(
            "stamps",
            "WARN",
            text,
            "stamps seem to be those of arrival: stamp images where they are taken",
        )
    if 1.0 / usual < _SLOW:
        return Check("stamps", "WARN", text, f"record with more than {_SLOW:.0f} Hz")
    return Check("stamps", "OK", text)


def check_gaps(survey: Survey) -> Check:
    """Whether images are missing between others."""
    intervals = np.diff(survey.stamps_ns) * 1e-9
    if not len(intervals):
        return Check("gaps", "WARN", "fewer than two images have a stamp")
    usual = float(np.median(intervals))
    gaps = intervals[intervals > _GAP * usual]
    if not len(gaps):
        return Check("gaps", "OK", "none: no interval is much longer than usual")
    lost = int(np.sum(np.round(gaps / usual) - 1))
    share = lost / (lost + len(survey.stamps_ns))
    times = f"{len(gaps)} gap{'s' if len(gaps) > 1 else ''}"
    where = (survey.stamps_ns[int(np.argmax(intervals))] - survey.stamps_ns[0]) * 1e-9
    text = (
        f"{times}, the longest {gaps.max():.2f} s after {where:.1f} s; about {lost} images "
        f"({share:.1%}) were not recorded"
    )
    remedy = "record to a faster disk, fewer topics, or smaller images; give the camera its own USB"
    if share > 2 * _LOST or gaps.max() > 4 * _LONG:
        return Check("gaps", "FAIL", text, remedy)
    if share > _LOST or gaps.max() > _LONG:
        return Check("gaps", "WARN", text, remedy)
    return Check("gaps", "OK", text)
