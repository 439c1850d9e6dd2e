"""Depth of one image from its own network depth and the map's, projected into it."""

from __future__ import annotations

import torch
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import edge_weights, point_weight
from denseba_ros.backend.depth_map.ratio_field import fill_ratios
from denseba_ros.geometry import se3
from denseba_ros.geometry.pinhole import Pinhole, project_by
from denseba_ros.geometry.pyramid import sample
from denseba_ros.slam.state.depth_rendering import MAX_SIGMA, render

# Grey levels by which a place may differ between keyframe and image, beside their common
# difference: where it is more, something else is there now.
_CHANGED = 20.0


def fuse_depth(
    network: Tensor,
    grey: Tensor,
    keyframe_map: Tensor,
    keyframe_grey: Tensor,
    T_image_keyframe: Tensor,
    grid: Pinhole,
) -> Tensor:
    """Inverse depth and relative deviation (2, h, w) of an image, complete, at the map's scale.

    The shape is the network's; its ratio to the map is taken where the projected map is certain and
    the image shows what the keyframe showed. What has moved since is left to the network.

    Args:
        network: (2, h, w) inverse depth at any scale and its deviation, of the image.
        grey: (h, w) grey levels of the image.
        keyframe_map: (2, h, w) inverse depth and relative deviation of a keyframe.
        keyframe_grey: (h, w) grey levels of it.
        T_image_keyframe: (4, 4).
        grid: camera of all of these.
    """
    inverse_depth, sigma = render(keyframe_map, T_image_keyframe, grid)
    shown = _shown(grid, inverse_depth, keyframe_grey, se3.inverse(T_image_keyframe))
    is_known = (sigma < MAX_SIGMA) & (inverse_depth > 0)
    difference = grey - shown
    if bool(is_known.any()):
        difference = difference - difference[is_known].median()
    is_same = is_known & (difference.abs() < _CHANGED)
    weight = torch.where(is_same, point_weight(sigma), torch.zeros_like(sigma))
    value = torch.where(is_same, inverse_depth, torch.zeros_like(sigma))
    return fill_ratios(value, weight, edge_weights(grey), network)


def _shown(
    grid: Pinhole, inverse_depth: Tensor, keyframe_grey: Tensor, T_keyframe_image: Tensor
) -> Tensor:
    """Grey levels (h, w) that the keyframe shows where the image's cells are."""
    rays = grid.rays(grid.grid(inverse_depth.device))
    pixels = project_by(grid, rays, inverse_depth, T_keyframe_image).pixels
    values = sample(keyframe_grey[None, None], pixels.reshape(1, -1, 2).to(keyframe_grey.dtype))
    return values.reshape(inverse_depth.shape)
