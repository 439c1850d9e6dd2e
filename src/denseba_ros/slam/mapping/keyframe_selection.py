"""Which images become keyframes, and which keyframe goes when the window is full."""

from __future__ import annotations

import math

import numpy as np
import torch

from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.config import KeyframeConfig
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside
from denseba_ros.slam.tracking.tracker import Alignment

# A keyframe of which the newest sees less than this share goes first.
_LITTLE = 0.05


def needs_keyframe(settings: KeyframeConfig, camera: Pinhole, alignment: Alignment) -> bool:
    """Whether a tracked image brings something new: enough flow, or too few points in view."""
    moved = alignment.flow > settings.max_flow * camera.width
    return moved or alignment.visible < settings.min_visible


def select_for_marginalisation(camera: Pinhole, keyframes: list[WindowKeyframe]) -> int:
    """Index of the keyframe to marginalise: out of the newest's view, else crowded and far.

    The distance score is that of DSO; the two newest always stay.
    """
    newest = keyframes[-1]
    centres = torch.stack([se3.inverse(k.T)[:3, 3] for k in keyframes])
    old = range(len(keyframes) - 2)
    for index in old:
        if _share_seen(camera, keyframes[index], newest) < _LITTLE:
            return index
    scores = []
    for index in old:
        gaps = torch.linalg.vector_norm(centres[: len(old)] - centres[index], dim=1)
        crowd = sum(1.0 / (float(g) + 1e-5) for k, g in enumerate(gaps) if k != index)
        far = float(torch.linalg.vector_norm(centres[-1] - centres[index]))
        scores.append(math.sqrt(far) * crowd)
    return int(np.argmax(scores))


def _share_seen(camera: Pinhole, host: WindowKeyframe, target: WindowKeyframe) -> float:
    """Share of the host's points that project into the target."""
    p = seen_from(camera, host, target)
    seen = p.in_front & inside(p.pixels, camera.width, camera.height, 0.0)
    return float((seen & host.points.valid).sum() / host.points.valid.sum().clamp(min=1))
