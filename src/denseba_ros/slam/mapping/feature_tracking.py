"""Corners of the window's keyframes found in each other's images by optical flow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import Grey, track
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.geometry.pyramid import inside

# A new keyframe's corners are looked for in so many of the newest others; theirs in it, in all.
MATCHED_BACK = 3
# Corners that project this near to the border (pixels) are not looked for.
_BORDER = 4.0


@dataclass(frozen=True)
class Sighting:
    """A host's corners in another image: ``places`` (F, 2), ``found`` (F,) bool, where they were
    expected ``projected`` (F, 2), and ``inverse_depth`` (F,) there."""

    places: Tensor
    found: Tensor
    projected: Tensor
    inverse_depth: Tensor


def look_for(
    camera: Pinhole, host: WindowKeyframe, grey: Grey, T: Tensor, wanted: Tensor | None = None
) -> Sighting:
    """Optical flow of the host's corners into the image ``grey`` at T_camera_world (4, 4), started
    from their projection; those ``wanted`` (F,) bool only, if given."""
    f = host.points.corners
    pixels = host.points.pixels[:f]
    rays, depth = camera.rays(pixels), host.points.inverse_depth[:f]
    T_image_host = T @ se3.inverse(host.T)
    p = project_by(camera, rays, depth, T_image_host)
    seen = p.in_front & inside(p.pixels, camera.width, camera.height, _BORDER)
    seen &= host.points.valid[:f]
    if wanted is not None:
        seen &= wanted
    index = seen.nonzero()[:, 0]
    warps = _warps(camera, pixels[index], depth[index], T_image_host)
    places, ok = track(
        host.grey,
        grey,
        pixels[index].cpu().numpy(),
        p.pixels[index].cpu().numpy(),
        warps.cpu().numpy(),
    )
    out = torch.zeros_like(pixels)
    out[index] = torch.from_numpy(places).to(pixels)
    found = torch.zeros_like(seen)
    found[index] = torch.from_numpy(ok).to(seen.device)
    return Sighting(out, found, p.pixels, p.inverse_depth)


def _warps(camera: Pinhole, pixels: Tensor, depth: Tensor, T: Tensor) -> Tensor:
    """Derivative (M, 2, 2) of the place in the image at ``T`` by that in the host, for a small
    surface of constant depth around each pixel (M, 2)."""
    steps = 0.5 * torch.eye(2, device=pixels.device)
    rays = camera.rays(pixels + torch.cat([steps, -steps])[:, None])
    places = project_by(camera, rays, depth, T).pixels
    return (places[:2] - places[2:]).permute(1, 2, 0)


def match(camera: Pinhole, new: WindowKeyframe, others: list[WindowKeyframe]) -> None:
    """Observe the corners of the others, oldest first, in the new keyframe, and its in them."""
    for other in others:
        sighting = look_for(camera, other, new.grey, new.T)
        other.observed[new.id] = (sighting.places, sighting.found)
    for other in others[-MATCHED_BACK:]:
        sighting = look_for(camera, new, other.grey, other.T)
        new.observed[other.id] = (sighting.places, sighting.found)
