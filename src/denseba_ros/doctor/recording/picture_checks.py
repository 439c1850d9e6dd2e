"""Exposure and blur of a recording's images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from denseba_ros.doctor.check import Check
from denseba_ros.doctor.recording.survey import Survey

# An image is too dark below this mean or when so much of it is black; too bright likewise.
_DARK_MEAN, _BRIGHT_MEAN, _AT_THE_END = 25.0, 225.0, 0.35
# Change of the mean from image to image, in grey levels, that is a jump.
_JUMP = 15.0
# Of ``blur_of``. What is blurred more than its neighbours by the second was moved too fast.
_OUT_OF_FOCUS, _SMEARED = 0.62, 0.10
_NEIGHBOURS = 15
_SOME, _MANY = 0.05, 0.25


def check_exposure(survey: Survey) -> Check:
    """Whether images are too dark, too bright, or change."""
    mean = survey.brightness
    dark = (mean < _DARK_MEAN) | (survey.dark > _AT_THE_END)
    bright = (mean > _BRIGHT_MEAN) | (survey.bright > _AT_THE_END)
    bad = float(np.mean(dark | bright))
    jumps = int(np.sum(np.abs(np.diff(mean)) > _JUMP))
    text = (
        f"mean brightness {np.median(mean):.0f} of 255, from {mean.min():.0f} to {mean.max():.0f}; "
        f"{np.mean(dark):.0%} of the images too dark, {np.mean(bright):.0%} too bright; "
        f"{jumps} jumps of more than {_JUMP:.0f}"
    )
    if bad > _SOME:
        remedy = "more light, or a fixed exposure that suits; hold the camera away from the sun"
        return Check("exposure", "FAIL" if bad > _MANY else "WARN", text, remedy)
    if jumps > _SOME * len(mean):
        remedy = "fix exposure and gain, or let them change slowly; lamps may flicker"
        return Check("exposure", "WARN", text, remedy)
    return Check("exposure", "OK", text)


def check_blur(survey: Survey) -> Check:
    """Whether images are out of focus, or smeared by motion."""
    usual = float(np.median(survey.blur))
    smeared = float(np.mean(survey.blur > _running_median(survey.blur) + _SMEARED))
    text = f"blur {usual:.2f} (0 sharp, 1 blurred); {smeared:.0%} of the images smeared by motion"
    if usual > _OUT_OF_FOCUS:
        return Check("blur", "WARN", text, "clean and focus the lens, or shorten the exposure")
    if smeared > _SOME:
        return Check("blur", "WARN", text, "shorten the exposure (more light), or move more slowly")
    return Check("blur", "OK", text)


def _running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the values around each, (N,)."""
    padded = np.pad(values, _NEIGHBOURS, mode="reflect" if len(values) > _NEIGHBOURS else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1)
    median: NDArray[np.float64] = np.median(windows, axis=-1)
    return median
