"""Feature tracking: corners of a keyframe in another image, by optical flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import track
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.slam.mapping.corner_prediction import predict_corners

# A new keyframe's corners are tracked into so many of the newest others; all others' into it.
TRACKED_BACK = 3
# Corners that project this close to the border (pixels) are not tracked.
_BORDER = 4.0


@dataclass(frozen=True)
class FeatureObservations:
    """A host's corners in another image: observed ``pixels`` (F, 2), ``is_tracked`` (F,) bool,
    ``is_missed`` (F,) bool, looked for in the image but not tracked, ``projected`` (F, 2) pixels
    where they were expected, and ``inverse_depth`` (F,) there."""

    pixels: Tensor
    is_tracked: Tensor
    is_missed: Tensor
    projected: Tensor
    inverse_depth: Tensor


def track_features(
    camera: Pinhole, host: WindowKeyframe, grey: Grey, T: Tensor, selected: Tensor | None = None
) -> FeatureObservations:
    """Track the host's corners into another image by optical flow, from their projection.

    Args:
        camera: of level 0.
        host: keyframe whose corners are tracked.
        grey: the other image.
        T: T_camera_world (4, 4) of the other image.
        selected: (F,) bool, the corners to track; all if None.
    """
    f = host.points.corners
    points = host.points
    ok = points.valid[:f] if selected is None else points.valid[:f] & selected
    T_image_host = T @ se3.inverse(host.T)
    expected = predict_corners(
        camera, points.pixels[:f], points.inverse_depth[:f], ok, T_image_host, _BORDER
    )
    pixels, is_tracked = track(
        host.grey,
        grey,
        expected.host_pixels,
        expected.pixels,
        expected.warps,
        expected.is_visible,
    )
    # Nobody shall multiply a pixel that is no number with a weight of zero.
    pixels = np.where(is_tracked[:, None], pixels, np.float32(0))
    is_missed = expected.is_visible & ~is_tracked
    parts = (pixels, is_tracked, is_missed, expected.pixels, expected.inverse_depth)
    return FeatureObservations(*(torch.from_numpy(p).to(points.pixels.device) for p in parts))
