"""Which images become keyframes, and which keyframe is marginalised from a full window."""

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

# A keyframe is marginalised first if the newest sees less than this ratio of its points.
_MIN_OVERLAP = 0.05


def needs_keyframe(settings: KeyframeConfig, camera: Pinhole, alignment: Alignment) -> bool:
    """Whether a tracked image becomes a keyframe: large flow, or few points of the last in view."""
    moved = alignment.flow > settings.max_flow * camera.width
    return moved or alignment.visible < settings.min_visible


def select_for_marginalisation(camera: Pinhole, keyframes: list[WindowKeyframe]) -> int:
    """Index in ``keyframes`` (oldest first, at least three) of the one to marginalise.

    The first whose points are out of the newest's view, else that with the largest distance score:
    Engel, Koltun, Cremers, "Direct sparse odometry", PAMI 40(3), 2018, section 3.1. The two newest
    always stay.
    """
    newest = keyframes[-1]
    centres = torch.stack([se3.inverse(k.T)[:3, 3] for k in keyframes])
    old = range(len(keyframes) - 2)
    for index in old:
        if _overlap(camera, keyframes[index], newest) < _MIN_OVERLAP:
            return index
    scores = []
    for index in old:
        gaps = torch.linalg.vector_norm(centres[: len(old)] - centres[index], dim=1)
        proximity = sum(1.0 / (float(g) + 1e-5) for k, g in enumerate(gaps) if k != index)
        distance = float(torch.linalg.vector_norm(centres[-1] - centres[index]))
        scores.append(math.sqrt(distance) * proximity)
    return int(np.argmax(scores))


def _overlap(camera: Pinhole, host: WindowKeyframe, target: WindowKeyframe) -> float:
    """Ratio (0-1) of the host's points that project into the target."""
    p = seen_from(camera, host, target)
    is_visible = p.in_front & inside(p.pixels, camera.width, camera.height, 0.0)
    return float((is_visible & host.points.valid).sum() / host.points.valid.sum().clamp(min=1))
