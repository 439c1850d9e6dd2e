"""Feature tracking: corners of a keyframe in another image, by optical flow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.features.optical_flow import track
from denseba_ros.geometry import se3
from denseba_ros.geometry.grey import Grey
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.geometry.pyramid import inside

# A new keyframe's corners are tracked into so many of the newest others; all others' into it.
TRACKED_BACK = 3
# Corners that project this close to the border (pixels) are not tracked.
_BORDER = 4.0


@dataclass(frozen=True)
class FeatureObservations:
    """A host's corners in another image: observed ``pixels`` (F, 2), ``is_tracked`` (F,) bool,
    ``projected`` (F, 2) pixels where they were expected, and ``inverse_depth`` (F,) there."""

    pixels: Tensor
    is_tracked: Tensor
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
    host_pixels = host.points.pixels[:f]
    rays, depth = camera.rays(host_pixels), host.points.inverse_depth[:f]
    T_image_host = T @ se3.inverse(host.T)
    p = project_by(camera, rays, depth, T_image_host)
    is_visible = p.in_front & inside(p.pixels, camera.width, camera.height, _BORDER)
    is_visible &= host.points.valid[:f]
    if selected is not None:
        is_visible &= selected
    index = is_visible.nonzero()[:, 0]
    warps = _warps(camera, host_pixels[index], depth[index], T_image_host)
    pixels, ok = track(
        host.grey,
        grey,
        host_pixels[index].cpu().numpy(),
        p.pixels[index].cpu().numpy(),
        warps.cpu().numpy(),
    )
    out = torch.zeros_like(host_pixels)
    out[index] = torch.from_numpy(pixels).to(host_pixels)
    is_tracked = torch.zeros_like(is_visible)
    is_tracked[index] = torch.from_numpy(ok).to(is_visible.device)
    return FeatureObservations(out, is_tracked, p.pixels, p.inverse_depth)


def _warps(camera: Pinhole, host_pixels: Tensor, depth: Tensor, T: Tensor) -> Tensor:
    """Affine warps (M, 2, 2): derivative of the pixel in the image at ``T`` (4, 4) T_image_host by
    the pixel (M, 2) in the host, for a patch of constant inverse ``depth`` (M,)."""
    steps = 0.5 * torch.eye(2, device=host_pixels.device)
    rays = camera.rays(host_pixels + torch.cat([steps, -steps])[:, None])
    pixels = project_by(camera, rays, depth, T).pixels
    return (pixels[:2] - pixels[2:]).permute(1, 2, 0)
