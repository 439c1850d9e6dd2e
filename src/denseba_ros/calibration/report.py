"""What was found of a camera, in words: numbers with deviations, warnings, another calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from denseba_ros.calibration.estimate import CameraEstimate
from denseba_ros.calibration.projection import NAMES
from denseba_ros.errors import CalibrationError
from denseba_ros.geometry.calibration import Calibration
from denseba_ros.geometry.distortion import distort

# A parameter that the images made no better than so much of its usual deviation.
_UNSEEN = 0.8
# Another calibration is wrong by so many deviations and, at least, by this share of f.
_SURE, _WRONG = 2.5, 0.01


@dataclass(frozen=True)
class Verdict:
    """Sentences, and whether they are good news."""

    sentences: tuple[str, ...]
    is_good: bool


def as_lines(estimate: CameraEstimate) -> list[str]:
    """One line a parameter: its value, deviation, and whether the images told it."""
    lines = []
    for row, name in enumerate(NAMES[estimate.model]):
        value, deviation = estimate.camera[row], estimate.deviation[row]
        number = (
            f"{value:9.2f} +- {deviation:.2f}" if row < 4 else f"{value:9.4f} +- {deviation:.4f}"
        )
        note = "   the usual value: the images do not tell it" if _is_unseen(estimate, row) else ""
        lines.append(f"{name}  {number}{note}")
    return lines


def how_well(estimate: CameraEstimate) -> Verdict:
    """Whether the motion determines the camera, and what to do where it does not."""
    share = estimate.deviation[0] / estimate.camera[0]
    noise = ", ".join(f"{one.noise:.2f}" for one in estimate.sections)
    first = (
        f"{estimate.views} images in {len(estimate.sections)} section"
        f"{'s' if len(estimate.sections) > 1 else ''}, noise of a feature {noise} pixels; "
        f"fx is known to {share:.1%}."
    )
    sentences = [first]
    if not estimate.is_determined:
        sentences.append(
            "The motion does not determine the focal length: record a clip in which the camera "
            "turns left, right, up and down while it moves among near and far things."
        )
    if _is_unseen(estimate, 2) or _is_unseen(estimate, 3):
        sentences.append(
            "The principal point is a guess near the centre: turn the camera about its own axis "
            "(roll) while recording, to have it measured."
        )
    return Verdict(tuple(sentences), estimate.is_determined)


def compare(estimate: CameraEstimate, given: Calibration, name: str) -> Verdict:
    """What a calibration of the same images errs by, according to them.

    Raises:
        CalibrationError: when it is for images of another size.
    """
    if (given.width, given.height) != estimate.size:
        raise CalibrationError(
            f"{name} is for {given.width}x{given.height} images, these are "
            f"{estimate.size[0]}x{estimate.size[1]}"
        )
    camera = np.array([given.fx, given.fy, given.cx, given.cy])
    sentences, is_good = [], True
    for row, label in enumerate(("fx", "fy")):
        off = camera[row] / estimate.camera[row] - 1.0
        sigmas = abs(camera[row] - estimate.camera[row]) / estimate.deviation[row]
        is_wrong = bool(sigmas > _SURE and abs(off) > _WRONG)
        is_good &= not is_wrong
        sentences.append(
            f"{label} is {100.0 * abs(off):.1f} % off: {camera[row]:.1f} in {name}, "
            f"{estimate.camera[row]:.1f} by the images, {sigmas:.1f} deviations"
            f"{'' if is_wrong else ', which they allow'}."
        )
    dx, dy = (camera[2:4] - estimate.camera[2:4]).tolist()
    sx, sy = estimate.deviation[2:4].tolist()
    sentences.append(
        f"The principal point is {dx:+.1f} and {dy:+.1f} pixels off "
        f"({abs(dx) / sx:.1f} and {abs(dy) / sy:.1f} deviations)."
    )
    shift = _corner_shift(estimate.calibration, given)
    sentences.append(
        f"The two distortions differ by {shift:.1f} pixels in the corners of the image."
    )
    verdict = f"{name} fits the clip." if is_good else f"{name} does not fit the clip."
    if not estimate.is_determined:
        verdict = f"Whether {name} fits is not for this clip to say."
    return Verdict((verdict, *sentences), is_good)


def _is_unseen(estimate: CameraEstimate, row: int) -> bool:
    return bool(estimate.deviation[row] > _UNSEEN * estimate.usual[row])


def _corner_shift(one: Calibration, other: Calibration) -> float:
    """By how many pixels, on average, two distortions differ where the corners of the image are."""
    corners = np.array([[x, y] for x in (0.0, one.width - 1.0) for y in (0.0, one.height - 1.0)])
    rays = (corners - [one.cx, one.cy]) / [one.fx, one.fy]
    difference = distort(rays, one) - distort(rays, other)
    return float(np.mean(np.linalg.norm(difference * one.fx, axis=-1)))
