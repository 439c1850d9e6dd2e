"""Whether the turn that a gyroscope measured fits what the image shows, and what that shows alone.

An alignment with a turn is the mean of both, weighted by their information. From it follow the
rotation by the image alone, and how far the two are apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from denseba_ros.imu.rotation_jacobians import rotation_exp
from denseba_ros.slam.tracking.tracker import Alignment
from denseba_ros.slam.tracking.tracking_quality import reason_lost

# Deviation (rad) at most of what an image says of its rotation: it does not even tell that.
_NOTHING = 1.0
# An alignment with less than this share of another's corners fits worse.
_FEWER = 0.9


@dataclass(frozen=True)
class ImageRotation:
    """R_image_keyframe ``R`` (3, 3) float64 by the image alone, with a covariance (3, 3) rad2 of
    left steps."""

    R: np.ndarray
    covariance: np.ndarray


def image_rotation(alignment: Alignment) -> ImageRotation:
    """What the image alone says, of an ``alignment`` that is no nonsense."""
    R = alignment.T[:3, :3].cpu().numpy()
    weight = 0.0 if alignment.turn is None else alignment.turn.sigma**-2.0
    values, axes = np.linalg.eigh(_rotation_information(alignment.H) - weight * np.eye(3))
    covariance = (axes / np.maximum(values, _NOTHING**-2)) @ axes.T
    if alignment.turn is None:
        return ImageRotation(R, covariance)
    step = weight * covariance @ alignment.turn.off(R)
    return ImageRotation(rotation_exp(step) @ R, covariance)


def needs_image_alone(alignment: Alignment) -> bool:
    """Whether the turn of an ``alignment`` may have led it astray: it is lost, or image and turn
    cannot both be right."""
    if alignment.turn is None:
        return False
    if reason_lost(alignment):
        return True
    seen = image_rotation(alignment)
    return not alignment.turn.fits(seen.R, seen.covariance)


def fitting_better(with_turn: Alignment, without: Alignment) -> Alignment:
    """The alignment of the two that the image confirms, where they do not agree; that ``without``
    unless it is clearly worse."""
    if reason_lost(without):
        return with_turn
    if reason_lost(with_turn):
        return without
    is_worse = (
        without.similarity < with_turn.similarity
        and without.corner_inliers < _FEWER * with_turn.corner_inliers
    )
    return with_turn if is_worse else without


def _rotation_information(H: Tensor) -> np.ndarray:
    """(3, 3), with translation and brightness marginalised out of (8, 8)."""
    whole = H.cpu().numpy()
    rest = [0, 1, 2, 6, 7]
    mixed = whole[3:6, rest]
    information: np.ndarray = (
        whole[3:6, 3:6]
        - mixed @ np.linalg.pinv(whole[np.ix_(rest, rest)], hermitian=True) @ mixed.T
    )
    return information
