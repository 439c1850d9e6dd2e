"""Photometric residual of small patches between all pairs of keyframes.

The patch is the eight-pixel pattern of Engel, Koltun, Cremers, "Direct Sparse Odometry", 2016
(arXiv:1607.02565); all its pixels share the inverse depth of its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache

import torch
from torch import Tensor

from denseba_ros.backend.kernels import patch_loops
from denseba_ros.backend.problem import Noise, Problem, Variables
from denseba_ros.geometry import se3
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import Projection, project
from denseba_ros.geometry.pyramid import inside, sample
from denseba_ros.parallel import parallel_for

BORDER = 1.0
# A point farther than the target's inverse depth map says, by this factor, is occluded ...
OCCLUSION_RATIO = 1.15
# ... where the map's relative deviation is below this.
OCCLUDER_MAX_SIGMA = 0.1


@dataclass(frozen=True)
class PatchReference:
    """Patches in their hosts at one level.

    ``pixels`` (G, N, P, 2) of the level; ``brightness`` (G, N, P) grey levels; ``weight``
    (G, N, P) by the gradient, up to 1; ``usable`` (G, N) bool: inside the image and valid.
    """

    pixels: Tensor
    brightness: Tensor
    weight: Tensor
    usable: Tensor

    @classmethod
    def joined(cls, parts: Sequence[PatchReference]) -> PatchReference:
        """The patches of all hosts of ``parts`` in order."""
        return cls(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def patch_reference(problem: Problem, level: int) -> PatchReference:
    """Cut the patches of all points out of their hosts' images of pyramid ``level``."""
    images, points = problem.images[level], (problem.hosts, problem.pixels, problem.valid)
    return cut_patches(images, *points, level, problem.noise)


def cut_patches(
    images: Tensor, hosts: Tensor, pixels: Tensor, valid: Tensor, level: int, noise: Noise
) -> PatchReference:
    """Cut the patches at ``pixels`` (G, N, 2) of level 0, ``valid`` (G, N) bool, out of ``images``
    (K, 3, h, w) of pyramid ``level``; ``hosts`` (G,) long says of which."""
    scale = 1.0 / (1 << level)
    centres = (pixels + 0.5) * scale - 0.5
    on_cpu = images.device.type == "cpu" and images.dtype == centres.dtype == torch.float32
    needs_gradient = torch.is_grad_enabled() and (images.requires_grad or centres.requires_grad)
    cut = _cut_on_cpu if on_cpu and not needs_gradient else cut_torch
    return cut(images, hosts, centres, valid, noise)


def cut_torch(
    images: Tensor, hosts: Tensor, centres: Tensor, valid: Tensor, noise: Noise
) -> PatchReference:
    """The patches at ``centres`` (G, N, 2) of ``images`` (K, 3, h, w), on any device."""
    pixels = centres[:, :, None] + _offsets(PATTERN, centres.dtype, centres.device)
    g, n, p, _ = pixels.shape
    values = sample(images[hosts], pixels.reshape(g, n * p, 2)).reshape(g, 3, n, p)
    c2 = noise.gradient**2
    weight = c2 / (c2 + values[:, 1] ** 2 + values[:, 2] ** 2)
    height, width = images.shape[-2:]
    usable = inside(pixels, width, height, BORDER).all(-1) & valid
    return PatchReference(pixels, values[:, 0], weight, usable)


def _cut_on_cpu(
    images: Tensor, hosts: Tensor, centres: Tensor, valid: Tensor, noise: Noise
) -> PatchReference:
    """``cut_torch`` by a compiled loop."""
    g, n, _ = centres.shape
    pattern = _offsets(PATTERN, centres.dtype, centres.device)
    pixels = torch.empty(g, n, len(pattern), 2)
    brightness, weight = torch.empty(2, g, n, len(pattern))
    usable = torch.empty(g, n, dtype=torch.bool)
    given = (images, hosts, centres, valid, pattern)
    arrays = [tensor.detach().contiguous().numpy() for tensor in given]
    cut = [tensor.numpy() for tensor in (pixels, brightness, weight, usable)]
    parallel_for(patch_loops.cut_patches, g, *arrays, noise.gradient**2, BORDER, *cut)
    return PatchReference(pixels, brightness, weight, usable)


@cache
def _offsets(
    pattern: tuple[tuple[int, int], ...], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """``pattern`` (P, 2) on the device, copied there once: each copy waits for the device."""
    return torch.tensor(pattern, dtype=dtype, device=device)


@dataclass(frozen=True)
class PatchResidual:
    """Residuals of all pairs at one level.

    ``value`` (G, K, N, P) grey levels; ``gradient`` (G, K, N, P, 2) of the target per pixel of
    the level; ``gain`` (G, K) = exp(a_j - a_i); ``reference`` (G, K, N, P) = the host's brightness
    less its offset, times gain; ``weight`` (G, K, N, P) robust, over the noise's variance, zero
    where the patch does not count; ``energy`` (G, K, N) robust cost, capped; ``visible`` (G, K, N)
    whether the target shows the patch; ``counts`` (G, K, N) whether it also fits.
    """

    value: Tensor
    gradient: Tensor
    gain: Tensor
    reference: Tensor
    weight: Tensor
    energy: Tensor
    visible: Tensor
    counts: Tensor


def relative_poses(T: Tensor, hosts: Tensor) -> Tensor:
    """T_target_host (G, K, 4, 4) from T_camera_world (K, 4, 4) and the hosts (G,) long."""
    return T[None] @ se3.inverse(T[hosts])[:, None]


def patch_residual(
    problem: Problem,
    reference: PatchReference,
    variables: Variables,
    level: int,
    gradients: bool = True,
) -> PatchResidual:
    """Brightness of every patch in every other keyframe against that in its host.

    Args:
        problem: the window, with images of ``level``.
        reference: the patches of ``level``.
        variables: where the residuals are evaluated.
        level: pyramid level, 0 the finest.
        gradients: without, ``gradient`` has no entries, which is enough for the energy.
    """
    camera = problem.camera.level(level)
    dtype = variables.inverse_depth.dtype
    T = relative_poses(variables.T, problem.hosts).to(dtype)[:, :, None, None]
    depth = variables.inverse_depth[:, None, :, None]
    rays = camera.rays(reference.pixels)[:, None]
    projected = project(camera, rays, depth, T[..., :3, :3], T[..., :3, 3])
    image = problem.images[level] if gradients else problem.images[level][:, :1]
    values = _sample_targets(image, projected.pixels)
    a, b = variables.affine.to(dtype).unbind(-1)
    gain = torch.exp(a[None] - a[problem.hosts, None])
    model = gain[:, :, None, None] * (reference.brightness - b[problem.hosts, None, None])[:, None]
    value = values[..., 0] - b[None, :, None, None] - model
    visible = inside(projected.pixels, camera.width, camera.height, BORDER) & projected.in_front
    shown = visible.all(-1) & reference.usable[:, None] & ~_occluded(problem, projected, level)
    other = problem.hosts[:, None] != torch.arange(problem.keyframes, device=value.device)
    shown = shown & other[:, :, None]
    weight, energy, counts = _robust(problem, reference, value, shown)
    return PatchResidual(value, values[..., 1:], gain, model, weight, energy, shown, counts)


def _sample_targets(images: Tensor, pixels: Tensor) -> Tensor:
    """Values (G, K, N, P, C) of images (K, C, h, w) at pixels (G, K, N, P, 2)."""
    g, k, n, p, _ = pixels.shape
    values = sample(images, pixels.transpose(0, 1).reshape(k, g * n * p, 2))
    return values.reshape(k, -1, g, n, p).permute(2, 0, 3, 4, 1)


def _occluded(problem: Problem, projected: Projection, level: int) -> Tensor:
    """(G, K, N) whether the target's inverse depth map has something nearer in front."""
    centre = slice(PATTERN.index((0, 0)), PATTERN.index((0, 0)) + 1)
    scale = 2.0 ** (level - problem.grid_level)
    pixels = (projected.pixels[:, :, :, centre] + 0.5) * scale - 0.5
    inverse_depth_map = _sample_targets(problem.inverse_depth_map, pixels)[:, :, :, 0]
    nearer = (
        inverse_depth_map[..., 0] > OCCLUSION_RATIO * projected.inverse_depth[:, :, :, centre.start]
    )
    return nearer & (inverse_depth_map[..., 1] < OCCLUDER_MAX_SIGMA)


def _robust(
    problem: Problem, reference: PatchReference, value: Tensor, counts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Huber weights over the variance, capped energy, and which patches still count."""
    noise = problem.noise
    size = value.abs() / noise.intensity
    huber = torch.where(size < noise.huber, 0.5 * size**2, noise.huber * (size - 0.5 * noise.huber))
    patch_weight = reference.weight[:, None]
    total = patch_weight.sum(-1)
    energy = (patch_weight * huber).sum(-1)
    cap = total * noise.huber * (noise.cutoff - 0.5 * noise.huber)
    counts = counts & (energy < cap)
    weight = patch_weight * (noise.huber / size.clamp(min=noise.huber)) / noise.intensity**2
    return weight * counts[..., None], torch.minimum(energy, cap), counts
