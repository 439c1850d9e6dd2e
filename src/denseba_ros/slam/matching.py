"""Corners of the window's keyframes found in each other's images."""

from __future__ import annotations

import torch

from denseba_ros.backend.window import WindowKeyframe, seen_from
from denseba_ros.frontend.flow import track
from denseba_ros.geometry.pinhole import Pinhole
from denseba_ros.geometry.pyramid import inside

# The new keyframe's corners are looked for in so many of the newest others; theirs in it, in all.
_MATCHED_BACK = 3
# Corners that project this near to the border (pixels) are not looked for.
_BORDER = 4.0


def match(camera: Pinhole, new: WindowKeyframe, others: list[WindowKeyframe]) -> None:
    """Observe the corners of the others, oldest first, in the new keyframe, and its in them."""
    for other in others:
        _observe(camera, other, new)
    for other in others[-_MATCHED_BACK:]:
        _observe(camera, new, other)


def _observe(camera: Pinhole, host: WindowKeyframe, target: WindowKeyframe) -> None:
    """Optical flow of the host's corners into the target, started from their projection."""
    f = host.points.corners
    pixels = host.points.pixels[:f]
    p = seen_from(camera, host, target, f)
    seen = p.in_front & inside(p.pixels, camera.width, camera.height, _BORDER)
    seen &= host.points.valid[:f]
    index = seen.nonzero()[:, 0]
    source = pixels[index].cpu().numpy()
    guess = p.pixels[index].cpu().numpy()
    places, ok = track(host.grey, target.grey, source, guess)
    out = pixels.new_zeros(f, 2)
    out[index] = torch.from_numpy(places).to(pixels)
    found = torch.zeros(f, dtype=torch.bool, device=pixels.device)
    found[index] = torch.from_numpy(ok).to(pixels.device)
    host.observed[target.id] = (out, found)
