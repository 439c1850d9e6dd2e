"""Whether the camera of a recording moves in a way from which depth can be had."""

from __future__ import annotations

import numpy as np

from denseba_ros.doctor.check import Check
from denseba_ros.doctor.recording.survey import Survey

# Shares of the width an image: below the first it stands, above the second it is fast.
_STANDS, _FAST = 0.0008, 0.10
# Where fewer corners than this are off one plane, there is no parallax.
_PLANE = 0.10
# Where more than this are off any motion of a camera: of random pixels it is half, as corners are
# found again by chance; of hand-held cameras a tenth, of images of 40x30 a third.
_ASTRAY = 0.4
_MOSTLY = 0.8
_SOME = 0.05


def check_motion(survey: Survey) -> Check:
    """Whether the camera stands, only turns, or moves too fast."""
    flow = survey.flow
    found = flow[np.isfinite(flow)]
    if len(found) < 0.5 * len(flow) or not len(found):
        share = 1.0 - len(found) / max(1, len(flow))
        text = f"nothing can be followed from image to image in {share:.0%} of them"
        return Check(
            "motion", "FAIL", text, "a scene with texture and light, in focus; move slowly"
        )
    stands, fast = float(np.mean(found < _STANDS)), float(np.mean(found > _FAST))
    text = (
        f"{np.median(found):.1%} of the width an image, at most {found.max():.1%}; "
        f"stands in {stands:.0%} of the images, is fast in {fast:.0%}"
    )
    if stands > _MOSTLY:
        return Check(
            "motion", "FAIL", text, "move the camera: nothing is to be had from a standstill"
        )
    if fast > _SOME:
        return Check("motion", "WARN", text, "move more slowly, or record with a higher rate")
    return Check("motion", "OK", text)


def check_parallax(survey: Survey) -> Check:
    """Whether near and far things move differently, which is what depth comes from."""
    steps = survey.off_plane
    if not len(steps):
        text = "the view never changes by 6 % of its width"
        return Check("parallax", "FAIL", text, "move the camera through the scene")
    astray = float(np.median(survey.astray))
    if astray > _ASTRAY:
        text = f"in a step {astray:.0%} of the corners follow no motion of a camera"
        return Check(
            "parallax", "FAIL", text, "look for noise, or for moving things that fill the view"
        )
    flat = float(np.mean(steps < _PLANE))
    text = (
        f"of {len(steps)} steps of 6 % of the width, {1.0 - flat:.0%} show parallax; in a step "
        f"{np.median(steps):.0%} of the corners are off one plane"
    )
    remedy = "walk while you turn: a camera that only turns, or sees one flat wall, has no depth"
    if flat > 1.0 - _SOME:
        return Check("parallax", "FAIL", text, remedy)
    if flat > _MOSTLY:
        return Check("parallax", "WARN", text, remedy)
    return Check("parallax", "OK", text)
