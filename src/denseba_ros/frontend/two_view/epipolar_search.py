"""Inverse depth by search along the epipolar line in several images of known pose.

It has no basin to fall out of, so it starts points about which nothing is known (the idea of
plane sweeping: Collins, CVPR 1996; semi-dense search: Engel, Sturm, Cremers, ICCV 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denseba_ros.frontend.two_view.epipolar_loops import line_costs
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import MIN_DEPTH_RATIO, Pinhole, project
from denseba_ros.geometry.pyramid import inside, sample
from denseba_ros.parallel import parallel_for

_HYPOTHESES = 64
# Grey levels at which a pixel's difference stops counting.
_TRUNCATION = 40.0
# A second minimum must cost at least this factor more for the first to be believed.
_UNIQUENESS = 1.3
# Mean absolute difference (grey levels) above which the best match is not believed.
_MAX_COST = 14.0
_MATCH_PIXELS = 0.6
_BORDER = 1.0
# Share of the difference of two patches' means that is taken off.
_SHIFT = 0.8
# Cost of a hypothesis that no target sees.
_UNSEEN = 1e3
# The centre last.
_PATTERN = (*(offset for offset in PATTERN if offset != (0, 0)), (0, 0))


@dataclass(frozen=True)
class Match:
    """``inverse_depth`` (N,), ``relative_sigma`` (N,) and ``ok`` (N,): a unique match was found."""

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

    ``camera``, ``host`` (1, 3, h, w) and ``targets`` (J, 3, h, w) are of one pyramid level, as are
    the pixels; ``T_target_host`` (J, 4, 4).
    """
    n = len(pixels)
    steps = torch.linspace(0, 1, _HYPOTHESES, device=pixels.device)
    d = low[:, None] + (high - low)[:, None] * steps  # N, D
    patch = pixels[:, None] + pixels.new_tensor(_PATTERN)
    reference = sample(host[:, :1], patch.reshape(1, -1, 2)).reshape(n, -1)
    rays, brightness = camera.rays(patch), targets[:, 0]
    T = T_target_host.to(pixels.dtype)
    fits_cpu = pixels.device.type == "cpu" and pixels.dtype == torch.float32
    costs = line_costs_cpu if fits_cpu else line_costs_torch
    return _choose(d, *costs(camera, d, rays, reference, brightness, T))


def line_costs_cpu(
    camera: Pinhole, d: Tensor, rays: Tensor, reference: Tensor, targets: Tensor, T: Tensor
) -> tuple[Tensor, Tensor]:
    """``line_costs_torch`` by compiled loops."""
    intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
    numbers = (*intrinsics, _BORDER, MIN_DEPTH_RATIO, _TRUNCATION, _SHIFT, _UNSEEN)
    cost, rate = torch.empty_like(d), torch.empty_like(d)
    tensors = (d, rays[..., :2], reference, targets, T, torch.tensor(numbers), cost, rate)
    parallel_for(line_costs, len(d), *(t.contiguous().numpy() for t in tensors))
    return cost, rate


def line_costs_torch(
    camera: Pinhole, d: Tensor, rays: Tensor, reference: Tensor, targets: Tensor, T: Tensor
) -> tuple[Tensor, Tensor]:
    """Cost (N, D) of inverse depths ``d`` (N, D), the mean over the targets that see them, and the
    largest move (N, D) in pixels between neighbouring ones.

    ``rays`` (N, P, 3) and ``reference`` (N, P) of the patches, the last pixel their centre;
    ``targets`` (J, h, w); ``T`` (J, 4, 4) T_target_host.
    """
    j = len(targets)
    T = T[:, None, None, None]
    projected = project(camera, rays[:, None], d[:, :, None], T[..., :3, :3], T[..., :3, 3])
    seen = inside(projected.pixels, camera.width, camera.height, _BORDER) & projected.in_front
    seen = seen.all(-1)  # J, N, D
    values = sample(targets[:, None], projected.pixels.reshape(j, -1, 2))
    values = values.reshape(projected.in_front.shape)
    cost = torch.where(seen, _patch_cost(values, reference[:, None]), values.new_zeros(()))
    views = seen.sum(0)
    mean = torch.where(views > 0, cost.sum(0) / views.clamp(min=1), cost.new_full((), _UNSEEN))
    return mean, _pixels_per_step(projected.pixels[:, :, :, -1], seen)


def _patch_cost(values: Tensor, reference: Tensor) -> Tensor:
    """Mean truncated difference (..., ) of patches after their means; a part of the mean stays."""
    shift = values.mean(-1, keepdim=True) - reference.mean(-1, keepdim=True)
    difference = (values - reference - _SHIFT * shift).abs().clamp(max=_TRUNCATION)
    return difference.mean(-1)


def _pixels_per_step(centre: Tensor, seen: Tensor) -> Tensor:
    """(N, D) largest move over the targets, in pixels, between neighbouring hypotheses."""
    move = torch.linalg.vector_norm(centre[:, :, 1:] - centre[:, :, :-1], dim=-1)
    move = torch.cat([move, move[:, :, -1:]], -1)
    return (move * seen).amax(0)


def _choose(d: Tensor, cost: Tensor, pixels_per_step: Tensor) -> Match:
    """Best hypothesis refined by a parabola, its deviation, and whether it is unique."""
    count = d.shape[1]
    best_cost, best = cost.min(1)
    inner = best.clamp(1, count - 2)[:, None]
    left, mid, right = (cost.gather(1, inner + k)[:, 0] for k in (-1, 0, 1))
    curvature = (left - 2 * mid + right).clamp(min=1e-3)
    offset = (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    step = d[:, 1] - d[:, 0]
    value = d.gather(1, inner)[:, 0] + offset * step
    rate = pixels_per_step.gather(1, inner)[:, 0]
    # Hypotheses that look alike because they project to almost the same pixel are no rivals.
    distance = (torch.arange(count, device=d.device) - best[:, None]).abs() * rate[:, None]
    rivals = torch.where(distance > 2.5, cost, cost.new_full((), _UNSEEN)).amin(1)
    ok = (best_cost < _MAX_COST) & (rivals > _UNIQUENESS * best_cost + 1.0)
    ok &= (best > 0) & (best < count - 1) & (rate > 0)
    sigma = _MATCH_PIXELS * step / rate.clamp(min=1e-6) + 0.3 * step
    return Match(value, (sigma / value.clamp(min=1e-9)).clamp(max=10.0), ok)
