"""Inverse depth by exhaustive search along the epipolar line in several images of known pose.

It needs no initial guess, so it initialises points of unknown depth (plane sweeping: Collins, CVPR
1996; semi-dense search: Engel, Sturm, Cremers, ICCV 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.frontend.two_view import epipolar_loops
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole, project
from denseba_ros.geometry.pyramid import inside, sample
from denseba_ros.parallel import parallel_for

_HYPOTHESES = 64
# Differences of a pixel are truncated to this (grey levels).
_TRUNCATION = 40.0
# Least ratio of the second minimum's cost to the first's.
_UNIQUENESS = 1.3
# Largest mean absolute difference (grey levels) of a match.
_MAX_COST = 14.0
# Standard deviation of a match along the line, pixels.
_MATCH_PIXELS = 0.6
# Hypotheses that project within so many pixels of the best are no second minimum.
_APART = 2.5
_BORDER = 1.0
# Share of the difference of two patches' means that is subtracted.
_SHIFT = 0.8
# Cost of a hypothesis outside all targets.
_OUTSIDE_COST = 1e3
# The centre last.
_PATTERN = (*(offset for offset in PATTERN if offset != (0, 0)), (0, 0))


@dataclass(frozen=True)
class Match:
    """``inverse_depth`` (N,), its ``relative_sigma`` (N,), and ``ok`` (N,) bool: the match is good
    and unique."""

    inverse_depth: Tensor
    relative_sigma: Tensor
    ok: Tensor


def search(
    camera: Pinhole,
    host: Tensor,
    pixels: Tensor,
    targets: Tensor,
    T_target_host: Tensor,
    low: Tensor,
    high: Tensor,
) -> Match:
    """Search inverse depths from ``low`` to ``high`` (N,) for host points ``pixels`` (N, 2).

    ``camera``, ``host`` (1, 3, h, w), ``targets`` (J, 3, h, w) and the pixels are of one pyramid
    level; ``T_target_host`` (J, 4, 4).
    """
    n = len(pixels)
    steps = torch.linspace(0, 1, _HYPOTHESES, device=pixels.device)
    d = low[:, None] + (high - low)[:, None] * steps  # N, D
    patch = pixels[:, None] + pixels.new_tensor(_PATTERN)
    reference = sample(host[:, :1], patch.reshape(1, -1, 2)).reshape(n, -1)
    rays, brightness = camera.rays(patch), targets[:, 0]
    T = T_target_host.to(pixels.dtype)
    on_cpu = pixels.device.type == "cpu" and pixels.dtype == torch.float32
    costs, choose = (line_costs_cpu, choose_cpu) if on_cpu else (line_costs_torch, choose_torch)
    return choose(d, *costs(camera, d, rays, reference, brightness, T))


def line_costs_cpu(
    camera: Pinhole, d: Tensor, rays: Tensor, reference: Tensor, targets: Tensor, T: Tensor
) -> tuple[Tensor, Tensor]:
    """``line_costs_torch`` by compiled loops, for float32 on the CPU."""
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    numbers = (*intrinsics, _BORDER, MIN_DEPTH_RATIO, _TRUNCATION, _SHIFT, _OUTSIDE_COST)
    cost, rate = torch.empty_like(d), torch.empty_like(d)
    tensors = (d, rays[..., :2], reference, targets, T, torch.tensor(numbers), cost, rate)
    parallel_for(epipolar_loops.line_costs, len(d), *(t.contiguous().numpy() for t in tensors))
    return cost, rate


def line_costs_torch(
    camera: Pinhole, d: Tensor, rays: Tensor, reference: Tensor, targets: Tensor, T: Tensor
) -> tuple[Tensor, Tensor]:
    """Cost (N, D) of inverse depths ``d`` (N, D), the mean over the targets in which they are
    visible, and the largest distance (N, D) in pixels between neighbouring hypotheses.

    ``rays`` (N, P, 3) and ``reference`` (N, P) brightness of the patches, the last pixel their
    centre; ``targets`` (J, h, w); ``T`` (J, 4, 4) T_target_host.
    """
    j = len(targets)
    T = T[:, None, None, None]
    projected = project(camera, rays[:, None], d[:, :, None], T[..., :3, :3], T[..., :3, 3])
    is_visible = inside(projected.pixels, camera.width, camera.height, _BORDER)
    is_visible = (is_visible & projected.in_front).all(-1)  # J, N, D
    values = sample(targets[:, None], projected.pixels.reshape(j, -1, 2))
    values = values.reshape(projected.in_front.shape)
    cost = torch.where(is_visible, _patch_cost(values, reference[:, None]), values.new_zeros(()))
    views = is_visible.sum(0)
    outside = cost.new_full((), _OUTSIDE_COST)
    mean = torch.where(views > 0, cost.sum(0) / views.clamp(min=1), outside)
    return mean, _pixels_per_step(projected.pixels[:, :, :, -1], is_visible)


def _patch_cost(values: Tensor, reference: Tensor) -> Tensor:
    """Mean truncated difference (...,) of patches (..., P), most of their means' difference
    subtracted."""
    shift = values.mean(-1, keepdim=True) - reference.mean(-1, keepdim=True)
    difference = (values - reference - _SHIFT * shift).abs().clamp(max=_TRUNCATION)
    return difference.mean(-1)


def _pixels_per_step(centre: Tensor, is_visible: Tensor) -> Tensor:
    """Largest distance (N, D) over the targets, in pixels, between neighbouring hypotheses."""
    distance = torch.linalg.vector_norm(centre[:, :, 1:] - centre[:, :, :-1], dim=-1)
    distance = torch.cat([distance, distance[:, :, -1:]], -1)
    return (distance * is_visible).amax(0)


def choose_cpu(d: Tensor, cost: Tensor, pixels_per_step: Tensor) -> Match:
    """``choose_torch`` by a compiled loop, for float32 on the CPU."""
    numbers = (_MATCH_PIXELS, _APART, _OUTSIDE_COST, _MAX_COST, _UNIQUENESS)
    value, sigma = torch.empty(2, len(d))
    ok = torch.empty(len(d), dtype=torch.bool)
    tensors = (d, cost, pixels_per_step, torch.tensor(numbers), value, sigma, ok)
    parallel_for(epipolar_loops.choose, len(d), *(t.contiguous().numpy() for t in tensors))
    return Match(value, sigma, ok)


def choose_torch(d: Tensor, cost: Tensor, pixels_per_step: Tensor) -> Match:
    """Best hypothesis refined by a parabola, its standard deviation, and whether it is unique."""
    count = d.shape[1]
    best_cost, best = cost.min(1)
    inner = best.clamp(1, count - 2)[:, None]
    left, mid, right = (cost.gather(1, inner + k)[:, 0] for k in (-1, 0, 1))
    curvature = (left - 2 * mid + right).clamp(min=1e-3)
    offset = (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    step = d[:, 1] - d[:, 0]
    value = d.gather(1, inner)[:, 0] + offset * step
    rate = pixels_per_step.gather(1, inner)[:, 0]
    distance = (torch.arange(count, device=d.device) - best[:, None]).abs() * rate[:, None]
    second = torch.where(distance > _APART, cost, cost.new_full((), _OUTSIDE_COST)).amin(1)
    ok = (best_cost < _MAX_COST) & (second > _UNIQUENESS * best_cost + 1.0)
    ok &= (best > 0) & (best < count - 1) & (rate > 0)
    sigma = _MATCH_PIXELS * step / rate.clamp(min=1e-6) + 0.3 * step
    return Match(value, (sigma / value.clamp(min=1e-9)).clamp(max=10.0), ok)
