"""Points and inverse depth map of one keyframe, kept consistent, and the depth prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from denseba_ros.backend.depth_map.depth_map import NEAR, fill, point_weight, scatter_points
from denseba_ros.backend.depth_map.ratio_field import fill_ratios
from denseba_ros.backend.window import WindowKeyframe
from denseba_ros.frontend.frame import median_known
from denseba_ros.geometry.pyramid import sample
from denseba_ros.slam.mapping import keyframe_depth_loops as loops
from denseba_ros.slam.state.estimate import DepthParts

# Pyramid level of the grid of inverse depth maps.
GRID_LEVEL = 2
# Points with a larger relative standard deviation take their depth from the map around them and
# do not contribute to it.
VAGUE = 0.3
# A depth model with a smaller standard deviation of log-depth is a metric prior of the points. The
# errors of a less certain one are correlated over many pixels: it initialises points and fills
# between them, but as a prior of independent points it would be overconfident and bias the scale.
KNOWN_SCALE = 0.15
# Largest relative standard deviation of the prior that keeps unobserved points from diverging; a
# depth model with a larger one knows nothing.
_DAMPING_SIGMA = 0.5


def cells_of(pixels: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Grid cells (N, 2) int64 (x, y) of pixels (N, 2) of level 0, on a grid of ``shape`` (h, w)."""
    cells = ((pixels + 0.5) / (1 << GRID_LEVEL)).floor().long()
    limit = cells.new_tensor([shape[1] - 1, shape[0] - 1])
    return torch.minimum(cells.clamp(min=0), limit)


def depth_at(keyframe: WindowKeyframe, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse depth and its relative standard deviation (N,) of the keyframe's map at ``pixels``
    (N, 2) of level 0, interpolated."""
    cells = (pixels + 0.5) / (1 << GRID_LEVEL) - 0.5
    inverse_depth, sigma = sample(keyframe.inverse_depth_map[None], cells[None])[0]
    return inverse_depth, sigma


def initialise_points(keyframe: WindowKeyframe, inverse_depth_map: Tensor) -> None:
    """Set the inverse depth map (2, h, w: inverse depth, relative standard deviation) of a keyframe
    and initialise its points from their cells."""
    keyframe.inverse_depth_map = inverse_depth_map
    cells = cells_of(keyframe.points.pixels, inverse_depth_map.shape[1:])
    depth, sigma = inverse_depth_map[:, cells[:, 1], cells[:, 0]]
    keyframe.points.inverse_depth = depth.contiguous()
    keyframe.points.relative_sigma = sigma.contiguous()
    set_depth_prior(keyframe)


def update_depth_maps(keyframes: Sequence[WindowKeyframe]) -> None:
    """Compute the inverse depth maps from the points; uncertain points then take their depth from
    the map. Keyframes without any certain point stay as they are."""
    found = [(k, *_evidence(k)) for k in keyframes]
    updated = [(k, value, weight) for k, value, weight, points in found if points]
    if not updated:
        return
    value = torch.stack([value for _, value, _ in updated])
    weight = torch.stack([weight for _, _, weight in updated])
    maps = fill(value, weight, torch.stack([keyframe.edges for keyframe, _, _ in updated]))
    for (keyframe, *_), inverse_depth_map in zip(updated, maps, strict=True):
        # A copy: a keyframe that outlives the others must not keep theirs.
        keyframe.inverse_depth_map = inverse_depth_map.clone()
        _take_from_map(keyframe)
        set_depth_prior(keyframe)


def _take_from_map(keyframe: WindowKeyframe) -> None:
    """Points that are uncertain take the inverse depth of their cell of the map."""
    points, grids = keyframe.points, keyframe.inverse_depth_map
    if _is_on_cpu(keyframe):
        inverse_depth = points.inverse_depth.clone()
        loops.take_from_map(
            _array(points.pixels),
            _array(points.relative_sigma),
            _array(grids),
            1 << GRID_LEVEL,
            VAGUE,
            inverse_depth.numpy(),
        )
        points.inverse_depth = inverse_depth
    else:
        cells = cells_of(points.pixels, grids.shape[1:])
        around = grids[0, cells[:, 1], cells[:, 0]]
        vague = points.relative_sigma > VAGUE
        points.inverse_depth = torch.where(vague, around, points.inverse_depth)


def _evidence(keyframe: WindowKeyframe) -> tuple[Tensor, Tensor, int]:
    """Inverse depth (h, w) and weight (h, w) by points and network, and how many points count."""
    if not _is_on_cpu(keyframe):
        return evidence_torch(keyframe)
    points, network = keyframe.points, keyframe.network_depth
    value, weight = torch.empty(2, *network.shape[1:])
    count = loops.evidence(
        _array(points.pixels),
        _array(points.inverse_depth),
        _array(points.relative_sigma),
        _array(points.valid),
        _array(network),
        1 << GRID_LEVEL,
        VAGUE,
        _DAMPING_SIGMA,
        NEAR,
        value.numpy(),
        weight.numpy(),
    )
    return value, weight, count


def evidence_torch(keyframe: WindowKeyframe) -> tuple[Tensor, Tensor, int]:
    """What ``keyframe_depth_loops.evidence`` does, on any device."""
    count = int(_contributing(keyframe).sum())
    return *_with_network(keyframe, *_scattered(keyframe)), count


def _is_on_cpu(keyframe: WindowKeyframe) -> bool:
    """Whether compiled loops can work on the keyframe's points."""
    depth = keyframe.points.inverse_depth
    return depth.device.type == "cpu" and depth.dtype == torch.float32


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.contiguous().numpy()
    return array


def _contributing(keyframe: WindowKeyframe) -> Tensor:
    """(N,) bool: the points that are certain enough for the inverse depth map."""
    points = keyframe.points
    return points.valid & (points.relative_sigma <= VAGUE)


def _scattered(keyframe: WindowKeyframe) -> tuple[Tensor, Tensor]:
    """Mean inverse depth and weight (h, w) of the contributing points on the grid."""
    points = keyframe.points
    shape = (keyframe.inverse_depth_map.shape[1], keyframe.inverse_depth_map.shape[2])
    return scatter_points(
        cells_of(points.pixels, shape),
        points.inverse_depth,
        points.relative_sigma,
        _contributing(keyframe),
        shape,
    )


def _with_network(keyframe: WindowKeyframe, value: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Fuse the network's depth, where it is certain, into the points' mean and weight (h, w)."""
    network, sigma = keyframe.network_depth
    network_weight = point_weight(sigma) * (sigma < _DAMPING_SIGMA)
    total = weight + network_weight
    return (weight * value + network_weight * network) / total.clamp(min=1e-12), total


def has_known_shape(sigma: Tensor) -> bool:
    """Whether a depth model whose log-depth has the deviations ``sigma`` (h, w) knows the shape of
    what it sees, but for factors that change slowly over the image. A sharper one is a sensor."""
    return KNOWN_SCALE <= median_known(sigma) < _DAMPING_SIGMA


def dense_map(keyframe: WindowKeyframe) -> Tensor:
    """Inverse depth and relative standard deviation (2, h, w) for the user.

    Where the depth model knows the shape, it is that times a smooth field of ratios to the points.
    Tracking and adjustment work with ``inverse_depth_map`` instead, which keeps to the model's own
    value between the points: with this one their paths were no better.
    """
    if not keyframe.is_shape_known or not bool(_contributing(keyframe).any()):
        return keyframe.inverse_depth_map
    return fill_ratios(*_scattered(keyframe), keyframe.edges, keyframe.network_depth)


def depth_parts(keyframe: WindowKeyframe, dense: Tensor) -> DepthParts:
    """What the ``dense_map`` (2, h, w) is made of, copied from the device."""
    parts = (*dense, keyframe.network_depth[0], *_scattered(keyframe))
    return DepthParts(*(part.cpu().numpy() for part in parts))


def set_depth_prior(keyframe: WindowKeyframe) -> None:
    """Set the prior of the points' inverse depth: the depth model's where it is metric, else a wide
    one around the present depth, which keeps unobserved points from diverging."""
    points = keyframe.points
    if _is_on_cpu(keyframe):
        mean, information = torch.empty(2, len(points.pixels))
        loops.depth_prior(
            _array(points.pixels),
            _array(points.inverse_depth),
            _array(keyframe.network_depth),
            1 << GRID_LEVEL,
            KNOWN_SCALE,
            _DAMPING_SIGMA,
            mean.numpy(),
            information.numpy(),
        )
    else:
        mean, information = depth_prior_torch(keyframe)
    points.prior_depth, points.prior_information = mean, information


def depth_prior_torch(keyframe: WindowKeyframe) -> tuple[Tensor, Tensor]:
    """What ``keyframe_depth_loops.depth_prior`` does, on any device: mean and information (N,)."""
    points = keyframe.points
    network, sigma = keyframe.network_depth
    cells = cells_of(points.pixels, network.shape)
    network, sigma = network[cells[:, 1], cells[:, 0]], sigma[cells[:, 1], cells[:, 0]]
    mean = torch.where(sigma < KNOWN_SCALE, network, points.inverse_depth)
    return mean, (sigma.clamp(max=_DAMPING_SIGMA) * mean) ** -2
