"""From a keyframe of the window to one of the map, and back for an image to be aligned with it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.window import Points, WindowKeyframe
from denseba_ros.map_file.map_keyframe import MapKeyframe
from denseba_ros.slam.state.frame import image_levels

# A relative deviation beyond this says nothing about a depth.
_LARGEST_SIGMA = 10.0


def record(keyframe: WindowKeyframe, number: int, session: int) -> MapKeyframe:
    """What the map keeps of a keyframe that left the window: its points in use, no tensors."""
    points = keyframe.points
    valid = points.valid & torch.isfinite(points.inverse_depth) & (points.inverse_depth > 0.0)
    sigma = points.relative_sigma.clamp(max=_LARGEST_SIGMA)
    return MapKeyframe(
        id=number,
        session=session,
        stamp_ns=keyframe.stamp_ns,
        image=_host(keyframe.pyramid[0][0, 0].round().clamp(0.0, 255.0)).astype(np.uint8),
        affine=_host(keyframe.affine).astype(np.float64),
        pixels=_host(points.pixels[valid]),
        inverse_depth=_host(points.inverse_depth[valid]),
        relative_sigma=_host(sigma[valid]),
        corners=int(valid[: points.corners].sum()),
        inverse_depth_map=_host(keyframe.inverse_depth_map),
    )


def restored(keyframe: MapKeyframe, device: torch.device) -> WindowKeyframe:
    """A keyframe that images can be aligned with, at T_camera_world = identity; its world is its
    own camera's frame."""

    def put(array: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.array(array, np.float32)).to(device)

    image = put(keyframe.image.astype(np.float32))[None, None]
    grey, pyramid = image_levels(image)
    depth, grid = put(keyframe.inverse_depth), put(keyframe.inverse_depth_map)
    valid = torch.ones(len(depth), dtype=torch.bool, device=device)
    points = Points(
        pixels=put(keyframe.pixels),
        inverse_depth=depth,
        relative_sigma=put(keyframe.relative_sigma),
        valid=valid,
        prior_depth=depth.clone(),
        prior_information=torch.zeros_like(depth),
        corners=keyframe.corners,
    )
    return WindowKeyframe(
        id=keyframe.id,
        stamp_ns=keyframe.stamp_ns,
        grey=grey,
        pyramid=pyramid,
        T=torch.eye(4, dtype=torch.float64, device=device),
        affine=torch.from_numpy(np.array(keyframe.affine, np.float64)).to(device),
        points=points,
        inverse_depth_map=grid,
        network_depth=grid.clone(),
        edges=torch.ones_like(grid),
    )


def _host(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().cpu().numpy().astype(np.float32)
    return array
