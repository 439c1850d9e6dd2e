"""Acceptance test of an alignment: tracking is lost when it fails."""

from __future__ import annotations

import torch

from denseba_ros.slam.tracking.tracker import Alignment

_MIN_CORNER_INLIERS = 30
_MIN_INLIERS = 0.4
_MIN_VISIBLE = 0.2
_MIN_SIMILARITY = 0.7
# Corners that are tracked make up for a low similarity, as with wrong depth, but not for one that
# noise has: corners are found in that, too.
_MIN_SIMILARITY_WITH_CORNERS = 0.2


def reason_lost(alignment: Alignment) -> str:
    """Why an alignment is rejected, one phrase; empty if it is accepted."""
    if not bool(torch.isfinite(alignment.T).all()):
        return "the alignment diverged"
    if alignment.visible < _MIN_VISIBLE:
        return f"only {alignment.visible:.0%} of the keyframe's points are in view"
    enough_corners = alignment.corner_inliers >= _MIN_CORNER_INLIERS
    if not enough_corners and alignment.inliers < _MIN_INLIERS:
        return f"only {alignment.inliers:.0%} of the points match the keyframe"
    least = _MIN_SIMILARITY_WITH_CORNERS if enough_corners else _MIN_SIMILARITY
    if alignment.similarity < least:
        return f"the image does not look like the keyframe (correlation {alignment.similarity:.2f})"
    return ""
