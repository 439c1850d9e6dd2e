"""The kernel in Triton, for CUDA; the interpreter runs it on a CPU for tests.

Needs Triton, which torch's CUDA wheels bring along.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from denseba_ros.backend import photometric
from denseba_ros.backend.kernels.interface import (
    NormalEquations,
    host_chain,
    linearisation_poses,
    relative_gains,
)
from denseba_ros.backend.kernels.triton_device import PARTIAL, energy_kernel, linearise_kernel
from denseba_ros.backend.photometric import PatchReference, relative_poses
from denseba_ros.backend.problem import FRAME_DOF, Problem, Variables
from denseba_ros.geometry.patch import PATTERN
from denseba_ros.geometry.pinhole import Pinhole

# Points a program works on, one for each thread of two warps.
BLOCK = 64
_WARPS = 2


class TritonKernel:
    """One launch for the linearisation, one for the energy; stays on the device throughout."""

    def linearise(
        self, problem: Problem, reference: PatchReference, variables: Variables, level: int
    ) -> NormalEquations:
        """Normal equations of patches and corners on pyramid ``level``."""
        depth = variables.inverse_depth
        (g, n), k = depth.shape, problem.keyframes
        T_first = linearisation_poses(problem, variables)
        gains = relative_gains(problem, variables)
        grid = (triton.cdiv(n, BLOCK), g)
        # Filled, because a keyframe is no target of itself and its own pair is never written.
        costs = depth.new_full((g, k, n), -1.0)
        partial = depth.new_zeros(g, k, grid[0], PARTIAL)
        H_depth, b_depth = torch.empty_like(depth), torch.empty_like(depth)
        H_mixed = depth.new_empty(g, n, k * FRAME_DOF)
        inputs = _inputs(problem, reference, variables, level)
        out = (costs, H_depth, b_depth, H_mixed, partial)
        before, after = inputs[:10], inputs[10:]
        linearise_kernel[grid](
            *before,
            T_first.to(depth.dtype).contiguous(),
            *after,
            *out,
            *_sizes(problem),
            **_constants(problem, level),
        )
        pair = partial.sum(2, dtype=torch.float64)
        upper = pair[..., :64].reshape(g, k, FRAME_DOF, FRAME_DOF)
        return NormalEquations(
            upper + upper.triu(1).transpose(-1, -2),
            pair[..., 64:72],
            host_chain(T_first, gains),
            H_depth,
            b_depth,
            H_mixed,
            costs,
            pair[..., 72].sum(),
        )

    def energy(
        self,
        problem: Problem,
        reference: PatchReference,
        variables: Variables,
        level: int,
        costs: Tensor,
    ) -> Tensor:
        """Energy of the corners and of the patches in use, by their ``costs``."""
        depth = variables.inverse_depth
        g, n = depth.shape
        grid = (triton.cdiv(n, BLOCK), g)
        partial = depth.new_empty(g, grid[0])
        energy_kernel[grid](
            *_inputs(problem, reference, variables, level),
            costs.contiguous(),
            partial,
            *_sizes(problem),
            **_constants(problem, level),
        )
        return partial.sum(dtype=torch.float64)


def _inputs(
    problem: Problem, reference: PatchReference, variables: Variables, level: int
) -> tuple[Tensor, ...]:
    """Tensors that both kernels read, in the order of their parameters."""
    dtype = variables.inverse_depth.dtype
    tensors = (
        problem.images[level],
        problem.inverse_depth_map,
        problem.hosts,
        problem.pixels,
        variables.inverse_depth,
        reference.usable,
        problem.valid,
        reference.brightness,
        reference.weight,
        relative_poses(variables.T, problem.hosts).to(dtype),
        relative_gains(problem, variables).to(dtype),
        variables.affine[:, 1].to(dtype),
        problem.observed,
        problem.observed_ok,
    )
    return tuple(tensor.contiguous() for tensor in tensors)


def _sizes(problem: Problem) -> tuple[int, int, int]:
    return problem.keyframes, problem.pixels.shape[1], problem.observed.shape[2]


def _constants(problem: Problem, level: int) -> dict[str, Any]:
    """What a kernel is compiled for: cameras, noise and the patch; and how it is launched."""
    noise = problem.noise
    height, width = problem.inverse_depth_map.shape[2:]
    return {
        "CAMERA": _camera(problem.camera.level(level)),
        "WORKING": _camera(problem.camera),
        "GRID": (width, height, 2.0 ** (level - problem.grid_level)),
        "NOISE": (noise.intensity, noise.huber, noise.cutoff),
        "CORNER_NOISE": (noise.huber, noise.pixel, noise.pixel_cutoff),
        "HIDING": (photometric.BORDER, photometric.OCCLUSION_RATIO, photometric.OCCLUDER_MAX_SIGMA),
        "SCALE": float(1 << level),
        "PATTERN": PATTERN,
        "BLOCK": BLOCK,
        "num_warps": _WARPS,
    }


def _camera(camera: Pinhole) -> tuple[int, int, float, float, float, float]:
    """Plain numbers: Triton keys its cache of compiled kernels by them."""
    c = camera
    return int(c.width), int(c.height), float(c.fx), float(c.fy), float(c.cx), float(c.cy)


TRITON_KERNEL = TritonKernel()
